"""How long the bytes of models are kept."""

from pydantic import Field

from tiltyard.schemas.project.columns import Part


class Retention(Part):
    """Which models' bytes are kept; of each model the record stays, and what rebuilds it."""

    keep_rejected: int | None = Field(
        None,
        ge=0,
        description="rejected models whose bytes are kept, the newest; none: all. Champions of any time, the "
        "challenger and models that a verdict may still move are always kept",
    )
