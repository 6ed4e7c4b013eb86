"""The scripted expert: answers assignments from the key of answers, as a person would from knowledge."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b

import numpy as np

from tiltyard.schemas.errors import NotFound
from tiltyard.schemas.records import Assignment, NewAnnotation


@dataclass(frozen=True, slots=True)
class ScriptedExpert:
    """An annotator that sees what a person gets, the assignment's payload, and looks the answer up.

    ``error_rate`` and ``skip_rate`` are shares of the samples. Chance comes from the seed, the name and the
    sample alone: the same expert gives the same answer whenever and however often it is asked.
    """

    key: Mapping[str, str]
    reference: str
    name: str = "expert-1"
    error_rate: float = 0.0
    skip_rate: float = 0.0
    seed: int = 0
    classes: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Keep the classes that the key knows, for the wrong answers."""
        object.__setattr__(self, "classes", tuple(sorted(set(self.key.values()))))

    def annotate(self, assignment: Assignment, now: datetime) -> NewAnnotation:
        """What the expert hands in for an assignment: a label, or a skip.

        The client key depends on the expert and the assignment only, so that a repeated submission is the same
        annotation. Raises NotFound when the key has no answer for the sample.
        """
        label = self.answer(assignment)
        return NewAnnotation(
            client_key=f"{self.name}:{assignment.assignment_id}",
            annotator=self.name,
            act="skip" if label is None else "label",
            sample_id=assignment.sample_id,
            payload=assignment.payload,
            said_at=now,
            label=label,
            assignment_id=assignment.assignment_id,
        )

    def answer(self, assignment: Assignment) -> str | None:
        """The class the expert says, None for a skip. Raises NotFound when the key has no answer."""
        truth = self._truth(str(assignment.payload.get(self.reference)))
        rng = _chance(self.seed, self.name, assignment.sample_id)
        skips, errs, pick = rng.random(3)
        if skips < self.skip_rate:
            return None
        return _other_than(truth, self.classes, pick) if errs < self.error_rate else truth

    def _truth(self, reference: str) -> str:
        """The answer in the key."""
        if reference not in self.key:
            raise NotFound(f"the answer key has no {self.reference} {reference!r}; deal the data again")
        return self.key[reference]


def misled(key: Mapping[str, str], about: Iterable[str], rate: float, seed: int) -> dict[str, str]:
    """A key of answers that is wrong about a share of some references: a bad day of the whole team.

    Labels from it make the next challenger worse, so that the gate has something to reject.

    >>> misled({"1": "no", "2": "yes", "3": "no"}, ["1", "2"], rate=1.0, seed=0)
    {'1': 'yes', '2': 'no', '3': 'no'}
    """
    classes = tuple(sorted(set(key.values())))
    answers = dict(key)
    for reference in sorted(set(about) & set(key)):
        errs, pick = _chance(seed, "misled", reference).random(2)
        if errs < rate:
            answers[reference] = _other_than(key[reference], classes, pick)
    return answers


def _other_than(truth: str, classes: tuple[str, ...], pick: float) -> str:
    """A wrong class; ``pick`` in [0, 1) says which."""
    others = [name for name in classes if name != truth] or [truth]
    return others[int(pick * len(others))]


def _chance(seed: int, name: str, sample: str) -> np.random.Generator:
    """A source of chance that belongs to one annotator and one sample."""
    salt = blake2b(f"{seed}:{name}:{sample}".encode(), digest_size=8).digest()
    return np.random.default_rng(int.from_bytes(salt))
