"""The project file: one learning problem in one YAML file.

Unknown keys are refused and the nearest known one is named, because a misspelt key that is silently
ignored is the costliest kind of typo.
"""

from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any, Final, Literal, Self

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator

from tiltyard.schemas.canonical import digest
from tiltyard.schemas.errors import ProjectFileError, nearest
from tiltyard.schemas.project.classes import ClassName, Names
from tiltyard.schemas.project.classes import named as with_name
from tiltyard.schemas.project.columns import LARGEST, MOST_COLUMNS, Columns, Part
from tiltyard.schemas.project.display import Display
from tiltyard.schemas.project.gate import OF_TWO_CLASSES, Gate
from tiltyard.schemas.project.later_keys import without_later
from tiltyard.schemas.project.retention import Retention
from tiltyard.schemas.project.tuning import Candidate, Tuning, TypeOrModule, refuse_costs, refuse_unread

Format = Literal["auto", "csv", "json", "jsonl", "parquet"]
StrategyName = Literal[
    "margin_kmeans",
    "margin",
    "entropy",
    "least_confident",
    "ranked_batch",
    "committee_vote",
    "committee_consensus",
    "committee_kl",
    "typical",
    "random",
]


MOST_CLASSES: Final = 10_000


class CsvOptions(Part):
    """How the producer writes CSV; nothing is guessed."""

    delimiter: str = Field(",", min_length=1, max_length=1, description="between two cells")
    quote: str = Field('"', min_length=1, max_length=1, description="around a cell that holds delimiters or lines")
    missing: list[str] = Field(
        default_factory=lambda: [""],
        description="spellings of an empty cell, unless it is a class, an allowed value or an id",
    )
    decimal: Literal[".", ","] = Field(".", description="mark before a number's fraction")
    thousands: Literal["", ",", ".", " ", "'", "\u00a0", "\u202f"] = Field(
        "", description="mark between a number's thousands; empty: there is none"
    )
    escape: str = Field(
        "",
        max_length=1,
        description="mark before a quote inside a cell, such as a backslash; empty: quotes stand twice",
    )
    trim: bool = Field(False, description="whether spaces and tabs around a cell are removed")

    @model_validator(mode="after")
    def marks_differ(self) -> Self:
        """Refuse one mark for two purposes, and one that ends lines."""
        if self.decimal == self.thousands:
            raise ValueError(f"decimal and thousands are both {self.decimal!r}")
        structure = [mark for mark in (self.delimiter, self.quote, self.escape) if mark]
        if line_end := next((mark for mark in structure if mark in "\r\n"), None):
            raise ValueError(f"{line_end!r} ends a line; delimiter, quote and escape are marks within one")
        if len(set(structure)) < len(structure):
            raise ValueError("delimiter, quote and escape must be three different marks")
        return self


class Source(Part):
    """Where objects come from and how they are written."""

    folder: str = Field("incoming", description="landing folder, seen from the project file")
    pattern: str = Field("*", description="which keys are batches (shell pattern)")
    format: Format = Field("auto", description="auto goes by the key's ending")
    csv: CsvOptions = CsvOptions()


class Limits(Part):
    """What a batch may cost before it is refused."""

    bad_rows: float = Field(0.1, ge=0, le=1, description="largest share of bad rows before the batch is refused")
    max_bytes: int = Field(1_000_000_000, ge=1, le=10**13, description="largest object, decompressed")
    max_rows: int = Field(20_000_000, ge=1, le=10**10, description="most rows of an object")
    max_columns: int = Field(10_000, ge=1, le=MOST_COLUMNS, description="most columns of an object")
    max_cells: int = Field(1_000_000_000, ge=1, le=10**13, description="most rows times columns of an object")
    max_line_bytes: int = Field(
        50_000_000, ge=1, le=10**13, description="longest line of CSV or JSON Lines, or CSV record"
    )
    reader_seconds: float = Field(300, gt=0, le=86_400, description="time allowed to the reader process")
    reader_memory_mb: int = Field(4096, ge=256, le=10**7, description="memory allowed to the reader process")
    reasons_per_check: int = Field(
        1000, ge=1, le=10**6, description="rows listed per failed check in the validation table"
    )


class Query(Part):
    """How the rows to be labeled are chosen."""

    strategy: StrategyName = Field("margin_kmeans", description="how rows are ranked for labeling")
    start: Literal["typical", "random"] = Field("typical", description="the strategy while there is no champion")
    budget: int = Field(60, ge=1, le=10**6, description="assignments kept open for annotators")
    random_share: float = Field(0.1, ge=0, le=1, description="share of the training queries drawn at random")
    shortlist: int = Field(20, ge=1, le=10_000, description="rows per pick that diversity chooses among")
    overlap: int = Field(1, ge=1, le=9, description="annotators per sample, where samples overlap")
    overlap_share: float = Field(1.0, ge=0, le=1, description="share of the samples that go to several annotators")


class Labeling(Part):
    """How annotators are asked, and what happens when they disagree."""

    reveal: Literal["never", "disagreement", "always"] = Field(
        "disagreement", description="after a blind answer: when the model's label is shown, to keep or change one's own"
    )
    gold_share: float = Field(0.05, ge=0, le=0.5, description="share of gold samples in what an annotator is asked")
    most_annotators: int = Field(3, ge=1, le=15, description="annotators per sample at most, when they disagree")
    skips: int = Field(1, ge=1, le=15, description="annotators that must skip a sample before it is given up")
    lease_minutes: int = Field(15, ge=1, le=1440, description="how long a sample is held for one annotator")


class Evaluation(Part):
    """The evaluation set: random, marked when drawn, never trained on."""

    share: float = Field(0.2, gt=0, lt=1, description="share of the pool drawn at random at ingest")
    budget_share: float = Field(0.25, ge=0, le=1, description="share of the budget spent on evaluation labels")
    disagreement: bool = Field(
        True, description="whether the labels that the gate wants are drawn where champion and challenger disagree"
    )
    population: int = Field(
        20_000, ge=100, le=10**8, description="most rows of the set, labeled or not, that both models score"
    )


class Stopping(Part):
    """When more labels stop paying; it is advice, and asking goes on."""

    kappa: float = Field(0.99, gt=0, le=1, description="mean agreement of successive models from which they are stable")
    models: int = Field(3, ge=1, le=1000, description="how many agreements in a row are averaged")
    rows: int = Field(2000, ge=50, le=10**7, description="evaluation rows on which successive models are compared")
    gain: float = Field(
        0.005, ge=0, le=LARGEST, description="what as many labels again must be expected to add to be worth asking"
    )


class Triggers(Part):
    """What starts a retrain."""

    labels: int = Field(60, ge=1, le=10**9, description="new annotations since the last training")


class Project(Part):
    """One learning problem."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$", description="lower case, digits, - and _")
    description: str = Field("", description="one sentence for people who open the project")
    guidelines: str = Field("", description="Markdown shown to annotators")
    source: Source = Source()
    columns: Columns
    classes: list[ClassName] = Field(min_length=2, max_length=MOST_CLASSES)
    retired: list[str] = Field(
        default_factory=list, description="classes of before: their labels are kept, counted and left out"
    )
    positive: str | None = Field(None, description="the class that f1, roc_auc and the threshold are about")
    pandera: str | None = Field(None, description="import path module:Model, checked on top of the columns")
    limits: Limits = Limits()
    candidates: list[Candidate] = Field(default_factory=list, description="empty: defaults for the features' kinds")
    trusted: list[TypeOrModule] = Field(
        default_factory=list, description="types or modules of others whose code may run when a model is loaded"
    )
    tuning: Tuning = Tuning()
    query: Query = Query()
    evaluation: Evaluation = Evaluation()
    gate: Gate = Gate()
    costs: dict[str, dict[str, float]] = Field(
        default_factory=dict, description="what a wrong decision costs, by true class, then by the class decided for"
    )
    triggers: Triggers = Triggers()
    stopping: Stopping = Stopping()
    models: Retention = Retention()
    labeling: Labeling = Labeling()
    effective_label: Literal["majority", "latest", "adjudicated", "quality_weighted"] = Field(
        "majority", description="how several annotations of a sample become its label"
    )
    display: Display = Display()
    seed: int = Field(0, ge=0, le=2**63 - 1, description="the source of all chance in this project")

    @field_validator("classes", mode="before")
    @classmethod
    def plain_names(cls, classes: Any) -> Any:
        """Take the shorthand ``[spam, ham]``: a bare name is a class without a key."""
        if not isinstance(classes, list):
            return classes
        return [with_name(entry) for entry in classes]

    @model_validator(mode="after")
    def classes_differ(self, info: ValidationInfo) -> Self:
        """Refuse classes that are the same but for their spelling, names that cannot be seen, and repeated keys.

        What the ledger recorded was taken then, and is read as it is.
        """
        if info.context == RECORDED:
            return self
        self.names.refuse_alike()
        keys = [entry.key for entry in self.classes if entry.key]
        twice = next((key for number, key in enumerate(keys) if key in keys[:number]), None)
        if twice:
            raise ValueError(f"key {twice!r} stands twice under 'classes'")
        return self

    @model_validator(mode="after")
    def names_agree(self) -> Self:
        """Refuse names that stand nowhere else in the file."""
        names = self.class_names
        if self.positive is not None and self.positive not in names:
            raise ValueError(f"positive {self.positive!r} is not a class; {nearest(self.positive, names)}")
        for part, named in (("display", self.display.named_columns), ("gate.slices", self.gate.slices.columns)):
            for name in sorted(set(named) - set(self.columns.all_names)):
                raise ValueError(f"{part} names column {name!r}; {nearest(name, self.columns.all_names)}")
        return self

    @model_validator(mode="after")
    def metrics_fit_the_classes(self) -> Self:
        """Refuse a metric of two classes where there are more: it would be undefined in every verdict."""
        asked = [("gate metric", self.gate.metric), *(("gate.floors:", metric) for metric in self.gate.floors)]
        for where, metric in asked:
            if metric in OF_TWO_CLASSES and len(self.classes) > 2:
                raise ValueError(f"{where} {metric!r} needs two classes, here are {len(self.classes)}; use macro_f1")
        return self

    @model_validator(mode="after")
    def costs_are_of_classes(self) -> Self:
        """Refuse costs of unknown classes, of right decisions, or below zero, and a threshold by costs without any."""
        written = [(true, decided, cost) for true, row in self.costs.items() for decided, cost in row.items()]
        for name in [name for true, decided, _ in written for name in (true, decided)]:
            if name not in self.class_names:
                raise ValueError(f"costs name class {name!r}; {nearest(name, self.class_names)}")
        for true, decided, cost in written:
            if cost < 0 or (true == decided and cost):
                raise ValueError(f"costs.{true}.{decided} is {cost:g}; a right decision costs 0, a wrong one more")
        if self.tuning.threshold == "costs" and not self.costs:
            raise ValueError("tuning.threshold is 'costs', and there are none; name them under 'costs'")
        if self.tuning.threshold == "costs":
            refuse_costs(self.costs, self.class_names)
        return self

    @model_validator(mode="after")
    def search_finds_what_it_reads(self) -> Self:
        """Refuse a space that the search does not read, and a search without anything to search."""
        refuse_unread(self.candidates, self.tuning)
        return self

    @property
    def class_names(self) -> list[str]:
        """The names of the classes in the file's order; models' probabilities use this order."""
        return [entry.name for entry in self.classes]

    @cached_property
    def names(self) -> Names:
        """Every name of a class, and what it stands for."""
        return Names(self.classes, self.retired)

    def said(self, label: str) -> str | None:
        """The class, alias or retired class that a label means, as the file spells it; none where it means none.

        This is the one door for labels, from whichever side they come: the rule is in
        :mod:`tiltyard.schemas.project.class_names`.
        """
        return self.names.said(label)

    def class_of(self, label: str) -> str | None:
        """Today's class that a label stands for; none where it is retired, or of no class of the file."""
        return self.names.class_of(label)

    @property
    def guidelines_hash(self) -> str:
        """The version of the guidelines, 16 hex digits."""
        return digest(self.guidelines)[:16]

    @property
    def positive_class(self) -> str:
        """The class that two-class metrics are about: the one named, else the last."""
        return self.positive or self.class_names[-1]

    @property
    def project_hash(self) -> str:
        """The identity of the whole file's meaning (spelling and key order aside), 64 hex digits."""
        return digest(without_later(self.model_dump(mode="json")))

    @property
    def contract_hash(self) -> str:
        """The identity of what decides over rows: source, columns, limits and labels that may arrive; 64 hex digits.

        A Pandera model named by import path is code: its source is added where it is loaded.
        """
        parts = self.model_dump(mode="json", include={"source", "columns", "limits", "pandera"})
        # A key that came later counts only where it is used: contracts of before stay what they are.
        if self.columns.entity is None:
            del parts["columns"]["entity"]
        if self.columns.label is not None:
            parts["labels"] = sorted(self.names.every)
        return digest(without_later(parts))


SHOWN_PROBLEMS: Final = 8


RECORDED: Final = "recorded"
"""The context in which a project is read that the ledger recorded: what was taken then is taken now."""


def recorded_project(body: Mapping[str, Any]) -> Project:
    """The project of a file as the ledger recorded it."""
    return parse_project(dict(body), "the ledger's project file", RECORDED)


def parse_project(content: Any, where: str, context: str | None = None) -> Project:
    """The project that a parsed YAML document describes.

    Raises ProjectFileError naming the file, each wrong key or value, and what would be right.
    """
    if not isinstance(content, dict):
        held = "holds nothing" if content is None else f"holds {content!r:.40}"
        raise ProjectFileError(f"{where}: a project file is a mapping of keys, this one {held}; see 'tiltyard schema'")
    try:
        return Project.model_validate(content, context=context)
    except ValidationError as error:
        found = error.errors(include_url=False)
        problems = "; ".join(_problem(entry) for entry in found[:SHOWN_PROBLEMS])
        more = f"; and {len(found) - SHOWN_PROBLEMS:,} more" if len(found) > SHOWN_PROBLEMS else ""
        raise ProjectFileError(f"{where}: {problems}{more}") from error
    except RecursionError as error:
        raise ProjectFileError(f"{where}: nested too deep; a project file is flat") from error


def _problem(entry: Any) -> str:
    """One pydantic complaint as a phrase that says where, what and what instead."""
    place = ".".join(f"{step!s:.80}" for step in entry["loc"])
    if entry["type"] == "extra_forbidden":
        return f"{place}: unknown key, {nearest(str(entry['loc'][-1]), _known_keys(entry['loc'][:-1]))}"
    if entry["type"] == "missing":
        return f"{place}: this key is required"
    message = str(entry["msg"]).removeprefix("Value error, ")
    given = "" if entry["type"] == "value_error" else f", got {entry['input']!r:.60}"
    return f"{place}: {message}{given}" if place else f"{message}{given}"


@lru_cache(maxsize=1)
def project_schema() -> dict[str, Any]:
    """The project file's JSON Schema."""
    return Project.model_json_schema()


def _known_keys(path: tuple[Any, ...]) -> list[str]:
    """The keys that are allowed at a place of the file, found by walking the JSON Schema."""
    schema = project_schema()
    definitions, node = schema["$defs"], schema
    for step in path:
        node = _resolve(node, definitions)
        inner = node.get("items") if isinstance(step, int) else node.get("properties", {}).get(step)
        node = inner or node.get("additionalProperties") or {}
    return list(_resolve(node, definitions).get("properties", {}))


def _resolve(node: Any, definitions: Any) -> Any:
    """The schema that a reference stands for, else the node itself."""
    if not isinstance(node, dict):
        return {}
    return definitions[node["$ref"].rsplit("/", 1)[-1]] if "$ref" in node else node
