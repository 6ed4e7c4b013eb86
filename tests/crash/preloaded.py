"""What the stories' processes import anyhow, imported once before they are forked: five seconds less for each.

Stores import these where they need them, so that a command that only looks does not wait for them.
"""

import warnings
from importlib import import_module
from typing import Final

NEEDED: Final = (
    "boto3",
    "mlflow.store.model_registry.rest_store",
    "mlflow.store.tracking.rest_store",
    "mlflow.store.tracking.sqlalchemy_store",
    "psycopg",
    "skops.io",
)


def preload() -> None:
    """Import what is needed, as quietly as the stores do."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in NEEDED:
            import_module(name)
