"""Environment settings of the labeling server: what it serves, to whom, and how much of it."""

import re
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, IPvAnyNetwork, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

RATE: Final = r"^[1-9]\d*/(second|minute|hour|day)(;[1-9]\d*/(second|minute|hour|day))*$"
"""Limits such as ``10/minute;100/hour``."""

ORIGIN: Final = r"https?://(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:\d{1,5})?"
"""A scheme, a host and perhaps a port, and nothing more."""


class LabelingSettings(BaseSettings):
    """What the environment says to the labeling server, by variables that begin with ``TILTYARD_LABEL_``."""

    model_config = SettingsConfigDict(env_prefix="TILTYARD_LABEL_", frozen=True, extra="ignore")

    projects: Annotated[list[Path], NoDecode] = Field(
        [Path()], description="folders or files of the projects to serve, separated by commas"
    )
    secret: SecretStr | None = Field(
        None, min_length=32, description="what sessions are signed with; default: the file that 'label secret' writes"
    )
    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8765, ge=1, le=65535, description="port to listen on")
    session_hours: float = Field(12, gt=0, le=720, description="how long a log-in lasts")
    trusted_proxies: Annotated[list[IPvAnyNetwork], NoDecode] = Field(
        [], description="addresses or networks whose forwarded headers are believed, separated by commas"
    )
    origins: Annotated[list[str], NoDecode] = Field(
        [],
        description="addresses that browsers show for the server, such as https://label.example.com, separated by "
        "commas: changes are taken from their pages alone, and where all are https, cookies are Secure; default: "
        "the host that is asked for",
    )
    proxy_header: str | None = Field(
        None, pattern=r"^[A-Za-z0-9-]+$", description="header in which a trusted proxy names the annotator"
    )
    oidc_issuer: str | None = Field(None, pattern=r"^https?://", description="address of the OpenID provider")
    oidc_client_id: str | None = Field(None, description="what the OpenID provider calls this server")
    oidc_client_secret: SecretStr | None = Field(None, description="the OpenID provider's secret for this server")
    oidc_claim: str = Field("email", description="claim that names the annotator; an email must be verified")
    webhook_urls: Annotated[list[str], NoDecode] = Field(
        [], description="where notices are sent, separated by commas; never settable from the web"
    )
    webhook_secret: SecretStr | None = Field(None, description="whsec_... that notices are signed with")
    prefect_events: bool = Field(
        False, description="emit tiltyard.labels.ready to the Prefect server as well; 'tiltyard watch' does it too"
    )
    seals: bool = Field(
        True, description="mirror answers as chained segments every minute; false: leave that to the flows"
    )
    max_body_bytes: int = Field(262_144, ge=1024, description="largest body of a request")
    max_import_bytes: int = Field(20_000_000, ge=1024, description="largest label file of an import")
    request_seconds: float = Field(30, gt=0, le=3600, description="seconds within which a body must have come")
    import_seconds: float = Field(300, gt=0, le=3600, description="the same for the file of an import")
    login_rate: str = Field("10/minute;100/hour", pattern=RATE, description="log-ins that may fail from one address")
    request_rate: str = Field(
        "1200/minute", pattern=RATE, description="requests of one annotator, and of one address without one"
    )

    @field_validator("projects", "trusted_proxies", "origins", "webhook_urls", mode="before")
    @classmethod
    def split(cls, value: object) -> object:
        """Take ``a,b`` for a list of two."""
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("origins")
    @classmethod
    def are_origins(cls, origins: list[str]) -> list[str]:
        """Refuse what no browser would send as a page's origin; a slash at the end is forgiven."""
        found = [origin.removesuffix("/").lower() for origin in origins]
        wrong = [origin for origin in found if not re.fullmatch(ORIGIN, origin)]
        if wrong:
            raise ValueError(
                f"{wrong[0]!r} is not an origin; write a scheme and a host, such as https://label.example.com"
            )
        return found

    @field_validator("webhook_urls")
    @classmethod
    def are_addresses(cls, urls: list[str]) -> list[str]:
        """Refuse a target that is not an http address."""
        wrong = [url for url in urls if not url.startswith(("https://", "http://"))]
        if wrong:
            raise ValueError(f"{wrong[0]!r} is not an http(s) address")
        return urls
