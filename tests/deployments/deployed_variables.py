"""Whether variables that images, compose.yaml or manifests set are read by somebody: a misspelt one changes nothing."""

import warnings
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from prefect.settings import Settings as PrefectSettings
from prefect.settings.legacy import _get_valid_setting_names

from tiltyard.schemas.labeling_settings import LabelingSettings
from tiltyard.schemas.settings import Settings
from tiltyard.schemas.watch_settings import WatchSettings

OTHERS: Final = {
    "PATH", "HOME", "PYTHONUNBUFFERED", "MPLCONFIGDIR", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "DO_NOT_TRACK",
    "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
    # compose.yaml's own, for databases.sh and landing_bucket.py; and what 'tiltyard deploy' takes besides.
    "POSTGRES_PASSWORD", "TILTYARD_DB_PASSWORD", "TILTYARD_WRITER_DB_PASSWORD", "PREFECT_DB_PASSWORD",
    "MLFLOW_DB_PASSWORD", "TILTYARD_PROJECT_NAME",
    "TILTYARD_WORK_POOL",
}  # fmt: skip


@lru_cache(maxsize=1)
def known() -> frozenset[str]:
    """Every variable that ours, Prefect or MLflow's server reads, and what the system's programs do."""
    with warnings.catch_warnings():
        # MLflow's own tables use what SQLAlchemy is about to drop.
        warnings.simplefilter("ignore")
        from mlflow import environment_variables
        from mlflow.cli import server

    ours = {
        f"{settings.model_config['env_prefix']}{name.upper()}"
        for settings in (Settings, LabelingSettings, WatchSettings)
        for name in settings.model_fields
    }
    mlflow = {str(one.envvar) for one in server.params if one.envvar} | set(dir(environment_variables))
    return frozenset(ours | mlflow | set(_get_valid_setting_names(PrefectSettings)) | OTHERS)


def unknown(names: Iterable[str]) -> list[str]:
    """The variables that nobody reads."""
    return sorted(set(names) - known())
