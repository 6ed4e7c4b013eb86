"""The ASGI factory: ``uvicorn --factory tiltyard.apps.labeling.asgi:create``, configured by environment variables."""

from fastapi import FastAPI

from tiltyard.apps.labeling.app import create_app
from tiltyard.schemas.labeling_settings import LabelingSettings


def create() -> FastAPI:
    """The application for the projects in ``TILTYARD_LABEL_PROJECTS``."""
    settings = LabelingSettings()
    return create_app(settings.projects, settings)
