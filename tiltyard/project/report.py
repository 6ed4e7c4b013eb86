"""Pages in a notebook: the project's report and that of a verdict."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tiltyard.project.display import Displayed, iframe
from tiltyard.schemas.errors import NotFound
from tiltyard.schemas.records import Verdict
from tiltyard.workspace.lookup import find_model, find_verdict
from tiltyard.workspace.workspace import Workspace


@dataclass(frozen=True, repr=False)
class Report(Displayed):
    """A page about the project or about one verdict. A notebook shows it; ``save`` writes it as a file.

    Attributes:
        html: The whole page, which needs nothing but a browser.
        path: The file that ``save`` writes when it is given none.
        verdict: The verdict that the page is about; None for the project's page.
    """

    html: str
    path: Path
    verdict: Verdict | None = None

    def save(self, path: str | Path | None = None) -> Path:
        """Write the page as a file and return its path; an existing file is replaced."""
        from tiltyard.reports.html.page import write

        return write(Path(path) if path is not None else self.path, self.html)

    def _summary(self) -> Mapping[str, Any]:
        about = f"verdict {self.verdict.verdict_id[:8]}" if self.verdict else "project"
        return {"about": about, "bytes": len(self.html.encode())}

    def _repr_html_(self) -> str:
        """The page itself, in a frame of its own."""
        return iframe(self.html)


def report_of(workspace: Workspace, what: str | None) -> Report:
    """The project's page, or that of the verdict that ``what`` names. Raises NotFound where there is none."""
    # They import matplotlib and scikit-learn, which takes seconds.
    from tiltyard.reports.html.project_page import project_page
    from tiltyard.reports.html.verdict_page import verdict_page

    folder = workspace.project_file.parent
    if what is None:
        return Report(project_page(workspace), folder / "report.html")
    verdict = judged_verdict(workspace, what)
    return Report(verdict_page(workspace, verdict), folder / f"verdict-{verdict.verdict_id[:8]}.html", verdict)


def judged_verdict(workspace: Workspace, name: str) -> Verdict:
    """The verdict whose id begins so, else the last one on the model of that name; NotFound where there is none."""
    if named := find_verdict(workspace, name):
        return named
    model = find_model(workspace, name)
    judged = [one for one in workspace.ledger.champions.verdicts() if one.challenger_id == model.model_id]
    if not judged:
        raise NotFound(f"model {model.model_id[:8]} was not judged yet; 'tiltyard judge' does")
    return judged[-1]
