"""How a sample is shown to an annotator, as the project file says it."""

from typing import Literal

from pydantic import Field, field_validator

from tiltyard.schemas.project.columns import LARGEST, Part, expand_all


class Display(Part):
    """How a sample is shown to an annotator."""

    kind: Literal["table", "text", "image"] = Field("table", description="how the queue draws a sample")
    columns: list[str] = Field(default_factory=list, description="shown first, in this order; name{0..63} repeats")
    width: int = Field(0, ge=0, le=100_000, description="pixels per line (image)")
    levels: float = Field(1.0, gt=0, le=LARGEST, description="value of a full pixel (image)")
    object: str | None = Field(None, description="column that names the picture's file or object (image)")
    objects: str = Field("images", description="folder of the pictures, seen from the project file (image)")
    groups: dict[str, list[str]] = Field(default_factory=dict, description="columns under a heading each (table)")
    terms: list[str] = Field(default_factory=list, description="words to highlight (text)")

    @field_validator("columns")
    @classmethod
    def repeat(cls, columns: list[str]) -> list[str]:
        """Write out the ``{first..last}`` ranges."""
        return expand_all(columns)

    @field_validator("groups")
    @classmethod
    def repeat_in_groups(cls, groups: dict[str, list[str]]) -> dict[str, list[str]]:
        """Write out the ``{first..last}`` ranges of each group."""
        return {heading: expand_all(names) for heading, names in groups.items()}

    @property
    def named_columns(self) -> list[str]:
        """Every column that the display names."""
        grouped = [name for names in self.groups.values() for name in names]
        return [*self.columns, *grouped, *([self.object] if self.object else [])]
