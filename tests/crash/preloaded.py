"""What the stories' processes import anyhow, imported once before they are forked: five seconds less for each.

Stores import these where they need them, so that a command that only looks does not wait for them.
"""

import boto3
import mlflow.store.model_registry.rest_store
import mlflow.store.tracking.rest_store
import mlflow.store.tracking.sqlalchemy_store
import psycopg
import skops.io

__all__ = ["boto3", "mlflow", "psycopg", "skops"]
