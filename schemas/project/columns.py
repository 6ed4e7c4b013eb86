"""The columns of a batch: what each may hold, and the part it plays."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from tiltyard.schemas.errors import nearest
from tiltyard.schemas.project.class_names import code_point

Kind = Literal["number", "integer", "category", "text", "boolean", "timestamp"]

RESERVED: Final = frozenset(
    {"sample_id", "sample_key", "row", "line", "evaluation", "label", "annotations", "_wanting", "_chance", "_order"}
    | {"_batch", "_differs"}
    | {"_strategy", "_score", "_probability", "_purpose", "_priority"}
)
"""Names of Tiltyard's own columns in frames and files; :func:`inside` keeps a project's columns apart from them."""

APART: Final = "\u241f"
"""Prefix of a project's column whose name alone would be a reserved one."""

OURS: Final = "\u241e"
"""Prefix of Tiltyard's columns that exist within one function only."""

LONGEST_NAME: Final = 200
CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
"""Characters that no text holds: nobody sees them, and screens obey them."""

MOST_COLUMNS: Final = 50_000
LARGEST: Final = 1e15
"""The largest number that is a plain setting; columns' limits may be larger."""

REPEATED = re.compile(r"^(?P<head>[^{}]*)\{(?P<first>\d+)\.\.(?P<last>\d+)\}(?P<tail>[^{}]*)$")


def expand(name: str) -> list[str]:
    """The column names that a name with a ``{first..last}`` range stands for.

    >>> expand("pixel_{8..10}")
    ['pixel_8', 'pixel_9', 'pixel_10']
    >>> expand("age")
    ['age']
    """
    match = REPEATED.match(name)
    if match is None:
        return [name]
    ends = match["first"], match["last"]
    if max(map(len, ends)) > 9 or int(ends[1]) - int(ends[0]) >= MOST_COLUMNS:
        raise ValueError(f"{name!r:.80} stands for more than {MOST_COLUMNS:,} columns")
    if int(ends[0]) > int(ends[1]):
        raise ValueError(f"{name!r} counts backwards; write the smaller number first")
    return [f"{match['head']}{number}{match['tail']}" for number in range(int(ends[0]), int(ends[1]) + 1)]


def expand_all(patterns: Iterable[str]) -> list[str]:
    """The column names that a list of names and ranges stands for.

    Raises ValueError where a name stands twice, a range is empty, or they are too many.

    >>> expand_all(["age", "pixel_{8..10}"])
    ['age', 'pixel_8', 'pixel_9', 'pixel_10']
    """
    names: dict[str, None] = {}
    for pattern in patterns:
        for name in expand(pattern):
            if name in names:
                raise ValueError(f"column {name!r:.80} stands twice; name it once, also among ranges")
            names[name] = None
        if len(names) > MOST_COLUMNS:
            raise ValueError(f"more than {MOST_COLUMNS:,} columns are named")
    return list(names)


def inside(name: str) -> str:
    """What a project's column is called in our frames and files, so that a project may give it any name.

    Nearly always the name itself; two names never become one.

    >>> inside("age"), inside("label") != "label", inside("label") == inside("sample_id")
    ('age', True, False)
    """
    return APART + name if name in RESERVED or name[:1] in {APART, OURS} else name


def misfit_of_column(name: str) -> str:
    """Why a text can be no column's name, empty where it can.

    >>> misfit_of_column("label"), misfit_of_column("*")
    ('', 'is a pattern to the readers')
    """
    if not name.strip():
        return "is empty"
    if len(name) > LONGEST_NAME:
        return f"has {len(name):,} characters, {LONGEST_NAME} are taken"
    if name == "*" or (name.startswith("^") and name.endswith("$")):
        return "is a pattern to the readers"
    found = CONTROL.search(name)
    return f"holds {code_point(found[0])}" if found else ""


class Part(BaseModel):
    """A part of the project file: frozen, and unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="after")
    def numbers_can_be_counted(self) -> Self:
        """Refuse a count so large that arithmetic on it goes wrong; a field may set a bound of its own."""
        for name, value in self.__dict__.items():
            if isinstance(value, int) and abs(value) > 2**53 and name != "seed":
                raise ValueError(f"{name} {value} is beyond what can be counted; take a number below 2**53")
        return self


class Column(Part):
    """What one column may hold; the batch's Pandera schema is built from it."""

    kind: Kind = Field(description="what its cells are; nothing is guessed")
    min: float | None = Field(None, description="smallest value allowed (number, integer)")
    max: float | None = Field(None, description="largest value allowed (number, integer)")
    allowed: list[str] | None = Field(None, description="the only values allowed (category)")
    max_length: int = Field(100_000, ge=1, le=10**9, description="longest text allowed, in characters")
    missing: bool = Field(True, description="whether a cell may be empty")
    missing_as: list[str] | None = Field(
        None, description="spellings of an empty cell in this column, in place of source.csv.missing"
    )
    unit: str = Field("", description="shown beside the value to the annotator")
    description: str = Field("", description="shown to the annotator")

    @model_validator(mode="after")
    def limits_fit_the_kind(self) -> Self:
        """Refuse limits that this kind of column cannot have, and an empty range."""
        if self.kind not in {"number", "integer"} and (self.min is not None or self.max is not None):
            raise ValueError(f"min and max belong to number and integer columns, not to {self.kind}")
        if self.kind != "category" and self.allowed is not None:
            raise ValueError(f"'allowed' belongs to category columns, not to {self.kind}")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}")
        return self


class Columns(Part):
    """The columns of a batch and the part each of them plays."""

    id: str | None = Field(None, description="the producer's own key; part of a sample's identity")
    time: str | None = Field(None, description="when the row happened (timestamp)")
    entity: str | None = Field(
        None, description="column (of any part) whose rows with one value belong together: all evaluate or none"
    )
    features: dict[str, Column] = Field(min_length=1, description="what models learn from; name{0..63} repeats")
    context: dict[str, Column] = Field(
        default_factory=dict, description="kept, shown, part of the identity, never learnt from"
    )
    reference: list[str] = Field(
        default_factory=list, description="kept beside the sample; neither identity nor feature"
    )
    label: str | None = Field(None, description="a label that arrives with some rows, taken as an import")
    extra: Literal["refuse", "ignore"] = Field("refuse", description="what happens to columns not named here")

    @field_validator("features", "context")
    @classmethod
    def repeat(cls, columns: dict[str, Column]) -> dict[str, Column]:
        """Write out the ``{first..last}`` ranges."""
        expand_all(columns)
        return {name: column for pattern, column in columns.items() for name in expand(pattern)}

    @model_validator(mode="after")
    def each_column_plays_one_part(self) -> Self:
        """Refuse a name that is used twice, or that no column can have."""
        names = [name for name in (self.id, self.time, self.label) if name]
        names += [*self.features, *self.context, *self.reference]
        twice = sorted(name for name, times in Counter(names).items() if times > 1)
        if twice:
            raise ValueError(f"named in two places: {', '.join(twice[:10])}")
        for name in names:
            if why := misfit_of_column(name):
                raise ValueError(f"column {name!r:.80} {why}; the producer gives it another name")
        if self.entity is not None and self.entity not in self.all_names:
            raise ValueError(f"entity {self.entity!r} is none of the columns; {nearest(self.entity, self.all_names)}")
        return self

    @property
    def all_names(self) -> list[str]:
        """Every column that a batch must bring, the label aside, in the file's order."""
        keys = [name for name in (self.id, self.time) if name]
        return [*keys, *self.features, *self.context, *self.reference]

    @property
    def identity_names(self) -> list[str]:
        """The columns whose content makes a sample what it is, sorted."""
        keys = [name for name in (self.id, self.time) if name]
        return sorted([*keys, *self.features, *self.context])

    def kind_of(self, name: str) -> Kind:
        """The kind of any column a batch brings; ids and references are text, times are timestamps."""
        column = self.features.get(name) or self.context.get(name)
        if column is not None:
            return column.kind
        return "timestamp" if name == self.time else "text"
