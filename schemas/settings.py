"""Environment settings: where the stores are. Everything has an embedded default, so that none is needed."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class Settings(BaseSettings):
    """What the environment says, by variables that begin with ``TILTYARD_``."""

    model_config = SettingsConfigDict(env_prefix="TILTYARD_", frozen=True, extra="ignore")

    project: Path = Field(Path(), description="folder or file of the project, when a command names none")
    workspace: Path | None = Field(
        None, description="folder of the stores ({project}: its name); default: 'workspace' beside the project file"
    )
    ledger_url: str | None = Field(
        None,
        description="SQLAlchemy URL of the ledger ({project}: its name; PostgreSQL: a schema each); "
        "default: SQLite in the workspace",
    )
    source_url: str | None = Field(
        None,
        description="where objects arrive, a folder or s3://BUCKET/PREFIX ({project}: its name); "
        "default: what the project file says",
    )
    files_url: str | None = Field(
        None,
        description="s3://BUCKET/PREFIX of the immutable files: landed objects, pool, quarantine, labeled sets, "
        "predictions, segments ({project}: its name); default: the workspace folder",
    )
    cache_mb: int = Field(
        10_000, ge=0, description="megabytes of copies that the workspace folder keeps of what files_url holds"
    )
    mlflow_uri: str | None = Field(None, description="MLflow tracking URI; default: SQLite in the workspace")
    chunk_rows: int = Field(65_536, ge=1, description="pool rows held in memory at once while choosing")
    annotator: str | None = Field(None, description="who answers 'tiltyard label', when --annotator is not given")
    retry_seconds: Annotated[tuple[float, ...], NoDecode] = Field(
        (2, 10, 30, 60), description="how long a step waits before each new attempt when a store does not answer"
    )
    notice_url: SecretStr | None = Field(
        None, description="where notices of the loop are posted as JSON: failure, drift, waiting queue, promotion"
    )
    label_studio_url: str | None = Field(None, description="address of Label Studio, where experts label there")
    label_studio_token: SecretStr | None = Field(
        None, description="token for Label Studio: a personal access token or a legacy one"
    )
    label_studio_users: str = Field(
        "", description="annotators by their e-mail in Label Studio: EMAIL=ANNOTATOR, separated by commas"
    )

    @field_validator("retry_seconds", mode="before")
    @classmethod
    def listed(cls, said: Any) -> Any:
        """Take ``2,10,30``."""
        return [part for part in said.split(",") if part.strip()] if isinstance(said, str) else said
