"""A verdict as Markdown, for pages that are not ours; what came from outside is plain text there too."""

import html
import re

from tiltyard.reports.check_groups import grouped
from tiltyard.reports.verdict_summary import headline
from tiltyard.schemas.records import Approval, Promotion, Verdict

MARKED = re.compile(r"([\\`*_\[\]|~])")


def verdict_markdown(
    verdict: Verdict, address: str = "", move: Promotion | None = None, approval: Approval | None = None
) -> str:
    """The headline and every check under its question; ``address`` is where the whole page is shown, if anywhere."""
    told = headline(verdict, move, approval)
    lines = [f"# {plain(told.title)}", "", plain(told.by_how_much), "", plain(told.how_sure), ""]
    lines += [f"- {plain(reason)}" for reason in told.why]
    lines += ["", f"**Next:** {plain(told.next_step)}", "", _where(verdict, address)]
    lines += ["", f"Challenger `{verdict.challenger_id[:8]}`: {verdict.decision}, {plain(verdict.reason)}"]
    for group in grouped(verdict.checks):
        lines += ["", f"## {group.question}", "", "| check | outcome | why |", "| --- | --- | --- |"]
        lines += [f"| {plain(check.name)} | {check.outcome} | {plain(check.why)} |" for check in group.checks]
    return "\n".join(lines) + "\n"


def plain(text: str) -> str:
    r"""Text that Markdown and HTML show as it is, on one line.

    >>> plain("a|b <i>")
    'a\\|b &lt;i&gt;'
    """
    return MARKED.sub(r"\\\1", html.escape(" ".join(text.split()), quote=False))


def _where(verdict: Verdict, address: str) -> str:
    """Where the page with the pictures is."""
    if address:
        return f"[The whole page, with pictures]({address})"
    return f"The whole page, with pictures: `tiltyard report {verdict.verdict_id[:8]}`"
