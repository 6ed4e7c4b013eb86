"""A made source in the shape of the bank's calls, for tests where the real one is not at hand."""

from typing import Final

import numpy as np

from tiltyard.examples.bank.dealer import DELIMITER
from tiltyard.examples.dealing import Row, read_rows, write_rows

HEADER: Final = read_rows(
    b"age;job;marital;education;default;housing;loan;contact;month;day_of_week;duration;campaign;pdays;previous;"
    b"poutcome;emp.var.rate;cons.price.idx;cons.conf.idx;euribor3m;nr.employed;y\n",
    DELIMITER,
)[0]
RUNS: Final = read_rows(
    b"may jun jul aug oct nov dec mar apr may jun jul aug sep oct nov dec mar apr may jun jul aug sep oct nov\n", " "
)[0]
"""The months in the source's order."""
SHARES: Final = np.array([8, 4, 7, 5, 0, 4, 0, 1, 3, 6, *[1] * 16])
"""How many calls a month has among the others; every month has ten at least."""
TEXTS: Final = [
    ["admin.", "blue-collar", "retired", "student", "unknown"],
    ["married", "single", "divorced"],
    ["university.degree", "high.school", "basic.4y", "unknown"],
    ["no", "unknown"],
    ["yes", "no", "unknown"],
    ["yes", "no"],
    ["cellular", "telephone"],
]
"""Job, marital, education, default, housing, loan and contact of a made call."""


def made_content(rows: int, seed: int) -> bytes:
    """About ``rows`` calls in 26 months, with a falling Euribor and an answer that drifts."""
    rng = np.random.default_rng(seed)
    sizes = np.maximum(10, np.round(SHARES / SHARES.sum() * rows).astype(int))
    calls = [
        _made_call(rng, name, run / len(RUNS))
        for run, (name, size) in enumerate(zip(RUNS, sizes, strict=True))
        for _ in range(size)
    ]
    return write_rows([HEADER, *calls], DELIMITER)


def _made_call(rng: np.random.Generator, month: str, progress: float) -> Row:
    """One call; ``progress`` runs from 0 (boom) to 1 (crisis over) and turns what age means for the answer."""
    age, known = int(rng.integers(18, 90)), rng.random() < 0.2
    euribor = 4.9 if progress < 0.25 else max(0.64, 4.9 - 19 * (progress - 0.2))
    says_yes = rng.random() < 0.05 + 0.4 * progress + (0.3 if (age > 60) == (progress > 0.3) else 0)
    texts = [str(rng.choice(options)) for options in TEXTS]
    counts = [str(rng.integers(1500)), str(rng.integers(1, 5)), "3" if known else "999", "1" if known else "0"]
    economy = ["1.1" if progress < 0.25 else "-1.8", "93.994", "-36.4", f"{euribor:.3f}", "5191"]
    outcome = "success" if known else "nonexistent"
    return [str(age), *texts, month, "mon", *counts, outcome, *economy, "yes" if says_yes else "no"]
