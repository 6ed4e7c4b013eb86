"""Parameters of addresses that several routes share."""

from typing import Annotated, Final

from fastapi import Path, Query

SAMPLE_ID: Final = "^[0-9a-f]{32}$"
SamplePath = Annotated[str, Path(pattern=SAMPLE_ID, description="the sample")]
After = Annotated[int, Query(ge=0, le=2**53, description="ledger position to go on from")]
Limit = Annotated[int, Query(ge=1, le=1000, description="how many at most")]
Until = Annotated[int | None, Query(ge=0, le=2**53, description="ledger position to stop at")]
