"""The ASGI factory: ``uvicorn --factory tiltyard.apps.labeling.asgi:create``, configured by the environment alone."""

from fastapi import FastAPI

from tiltyard.apps.labeling.app import create_app
from tiltyard.schemas.labeling_settings import LabelingSettings


def create() -> FastAPI:
    """The application of the projects that ``TILTYARD_LABEL_PROJECTS`` names."""
    settings = LabelingSettings()
    return create_app(settings.projects, settings)
