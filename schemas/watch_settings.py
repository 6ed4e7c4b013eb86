"""Environment settings of ``tiltyard watch``: the queue that reports arrivals, and the runs started for them."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class WatchSettings(BaseSettings):
    """What the environment says to the watch, by variables that begin with ``TILTYARD_WATCH_``."""

    model_config = SettingsConfigDict(env_prefix="TILTYARD_WATCH_", frozen=True, extra="ignore")

    projects: Annotated[list[Path], NoDecode] = Field(
        [Path()], description="folders or files of the projects to watch for, separated by commas"
    )
    queue: str | None = Field(None, description="URL of the SQS queue that S3, SNS or EventBridge writes into")
    dead_letters: str | None = Field(
        None,
        description="URL of the queue for messages that cannot be used; default: the one of the queue's redrive "
        "policy, else files in dead-letters/ of the first project's workspace",
    )
    deployment: str = Field(
        "ingest-batch/{project}",
        pattern=r"^[^/]+/[^/]+$",
        description="FLOW/DEPLOYMENT of which runs are created ({project}: the project's name)",
    )
    unfinished: int = Field(
        4, ge=1, le=1000, description="runs of a deployment that may be unfinished at once; messages wait meanwhile"
    )
    run_minutes: float = Field(
        60, gt=0, description="a run that is unfinished for longer is no longer waited for: its worker died"
    )
    poll_seconds: int = Field(
        5, ge=1, le=20, description="how long one question to the queue waits, and so how long a stop may take"
    )
    labels_ready: bool = Field(
        True, description="emit tiltyard.labels.ready to Prefect when there are labels enough for a training"
    )
    health_host: str = Field("127.0.0.1", description="address of /health, /live and /metrics")
    health_port: int = Field(8766, ge=0, le=65535, description="port of /health, /live and /metrics; 0: none")

    @field_validator("projects", mode="before")
    @classmethod
    def split(cls, value: object) -> object:
        """Take ``a,b`` for a list of two."""
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
