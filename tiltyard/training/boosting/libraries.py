"""What is particular to each boosting library: its defaults with us, its parameters, its format and how it is asked.

The libraries are imported when one of their classifiers is named; they are the extra ``boosting``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from inspect import Parameter, signature
from typing import Any, Final

import numpy as np

from tiltyard.training.boosting.stored_formats import refuse_unsound_lightgbm, refuse_unsound_xgboost

LARGEST_SEED: Final = 2**31
"""Seeds are 32-bit numbers with a sign in LightGBM."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """One library. ``ours`` are parameters that are set unless the project file sets one of their spellings."""

    name: str
    install: str
    classes: tuple[str, ...]
    ours: tuple[tuple[tuple[str, ...], Any], ...]
    seeds: tuple[str, ...]
    sparse: bool
    written: Callable[[Any], bytes]
    read: Callable[[bytes], Any]
    asked: Callable[[Any, Any], Any]
    readable: Callable[[Any], Any]
    refuse_unsound: Callable[[bytes, int, int], None]
    also: Callable[[], set[str]] = set

    def named(self, own: str) -> Any:
        """One of the library's classifiers; ImportError says how to install it."""
        try:
            return getattr(import_module(self.name), own)
        except ModuleNotFoundError as error:
            raise ImportError(f"{self.name} is not installed; pip install {self.install}") from error

    def defaults(self, given: Mapping[str, Any], seed: int) -> dict[str, Any]:
        """Our own parameters beside those given: one thread, no output, chance from the seed."""
        wanted = (*self.ours, (self.seeds, seed % LARGEST_SEED))
        return {spellings[0]: value for spellings, value in wanted if not set(spellings) & set(given)}

    def known(self, factory: Any) -> set[str]:
        """Every parameter of one of its classifiers, aliases too."""
        return self.also() | self.settable(factory) | set(self.seeds)

    def settable(self, factory: Any) -> set[str]:
        """The parameters that one of its classifiers itself names, but for the seed's, which are never open."""
        named: set[str] = set()
        for one in factory.__mro__:
            parameters = signature(one).parameters.values() if "__init__" in vars(one) else ()
            open_ended = {Parameter.VAR_KEYWORD, Parameter.VAR_POSITIONAL}
            named |= {each.name for each in parameters if each.kind not in open_ended}
        return named - {"self", *self.seeds}


def library_of(factory: Any) -> Library | None:
    """The boosting library that a class is a classifier of; None for any other class."""
    if not isinstance(factory, type):
        return None
    library = LIBRARIES.get(factory.__module__.partition(".")[0])
    return library if library and factory.__name__ in library.classes else None


def how_to_install(module: str) -> str:
    """The command that installs the library of a module; empty where it is none of these.

    >>> how_to_install("xgboost.sklearn")
    'pip install xgboost'
    """
    library = LIBRARIES.get(module.partition(".")[0])
    return f"pip install {library.install}" if library else ""


def _numbers(rows: Any) -> Any:
    """A frame of numbers as an array, so that names of columns play no part; anything else as it is."""
    kinds = list(rows.dtypes) if hasattr(rows, "dtypes") else []
    plain = bool(kinds) and all(isinstance(kind, np.dtype) and np.issubdtype(kind, np.number) for kind in kinds)
    return rows.to_numpy(dtype=np.float64) if plain else rows


def _lightgbm_aliases() -> set[str]:
    """Every name that LightGBM itself has for a parameter."""
    from lightgbm.basic import _ConfigAliases

    every = _ConfigAliases._get_all_param_aliases()
    return {name for main, others in every.items() for name in (main, *others)}


def _lightgbm_read(content: bytes) -> Any:
    """A booster from its text."""
    from lightgbm import Booster

    return Booster(model_str=content.decode("utf-8"))


def _xgboost_read(content: bytes) -> Any:
    """A booster from its JSON."""
    from xgboost import Booster

    booster = Booster({"nthread": 1, "verbosity": 0})
    booster.load_model(bytearray(content))
    booster.set_param({"nthread": 1})
    return booster


def _xgboost_asked(booster: Any, rows: Any) -> Any:
    """The probabilities that an XGBoost booster gives."""
    from xgboost import DMatrix

    return booster.predict(DMatrix(rows, nthread=1))


def _catboost_written(fitted: Any) -> bytes:
    """CatBoost's own format without what differs from one fit to the next: when it was, and a random name."""
    facts = fitted.get_metadata()
    for key in [key for key in facts.keys() if key not in {"class_params", "params"}]:  # noqa: SIM118  # no mapping
        del facts[key]
    return bytes(fitted._serialize_model())


def _catboost_read(content: bytes) -> Any:
    """A model from CatBoost's own format."""
    from catboost import CatBoostClassifier

    model = CatBoostClassifier()
    model.load_model(blob=content)
    return model


def _unchecked(_content: bytes, _features: int, _classes: int) -> None:
    """CatBoost's format is a checked flatbuffer: the library itself refuses a damaged one."""


LIBRARIES: Final = {
    "lightgbm": Library(
        name="lightgbm",
        install="lightgbm",
        classes=("LGBMClassifier",),
        ours=(
            (("n_jobs", "num_threads", "num_thread", "nthread", "nthreads"), 1),
            (("verbose", "verbosity"), -1),
            (("deterministic",), True),
            (("force_col_wise", "force_row_wise"), True),
        ),
        seeds=("random_state", "seed", "random_seed"),
        sparse=True,
        written=lambda fitted: str(fitted.booster_.model_to_string()).encode("utf-8"),
        read=_lightgbm_read,
        asked=lambda booster, rows: booster.predict(rows, num_threads=1),
        readable=_numbers,
        refuse_unsound=refuse_unsound_lightgbm,
        also=_lightgbm_aliases,
    ),
    "xgboost": Library(
        name="xgboost",
        install="xgboost",
        classes=("XGBClassifier", "XGBRFClassifier"),
        ours=((("n_jobs", "nthread"), 1), (("verbosity",), 0)),
        seeds=("random_state", "seed"),
        sparse=True,
        written=lambda fitted: bytes(fitted.get_booster().save_raw("json")),
        read=_xgboost_read,
        asked=_xgboost_asked,
        readable=_numbers,
        refuse_unsound=refuse_unsound_xgboost,
        # What the booster takes beside the classifier's own parameters.
        also=lambda: {
            *("eta", "lambda", "alpha", "min_split_loss", "nthread", "seed", "seed_per_iteration", "updater"),
            *("refresh_leaf", "process_type", "max_cached_hist_node", "sample_type", "normalize_type", "rate_drop"),
            *("one_drop", "skip_drop", "feature_selector", "top_k", "tweedie_variance_power", "huber_slope"),
            *("sketch_eps", "sketch_ratio", "disable_default_eval_metric", "num_class", "extmem_single_page"),
        },
    ),
    "catboost": Library(
        name="catboost",
        install="catboost",
        classes=("CatBoostClassifier",),
        ours=(
            (("thread_count",), 1),
            (("logging_level", "verbose", "silent"), "Silent"),
            (("allow_writing_files",), False),
        ),
        seeds=("random_seed", "random_state"),
        # It takes sparse rows, and minutes for the columns that words make.
        sparse=False,
        written=_catboost_written,
        read=_catboost_read,
        asked=lambda model, rows: model.predict_proba(rows, thread_count=1),
        readable=lambda rows: rows,
        refuse_unsound=_unchecked,
    ),
}
