"""A verdict as a manager reads it: who won, by how much, how sure that is, and what happens next."""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tiltyard.evaluation.metrics import SHARES, greater_is_better
from tiltyard.reports.check_groups import group_checks
from tiltyard.schemas.records import Approval, Check, Interval, Promotion, Verdict

Tone = Literal["won", "stays", "open"]


@dataclass(frozen=True, slots=True)
class Headline:
    """Sentences, the title first; ``tone`` says whether the challenger won, lost, or whether it is still open."""

    title: str
    tone: Tone
    by_how_much: str
    how_sure: str
    why: tuple[str, ...]
    next_step: str


def headline(
    verdict: Verdict, move: Promotion | None = None, approval: Approval | None = None, is_last: bool = True
) -> Headline:
    """What a verdict says in plain sentences; ``move`` is what was done on it, ``approval`` what a person said of it.

    ``is_last`` says whether nothing was judged after it: only then is a next step still to be taken.
    """
    return Headline(
        title=_title(verdict),
        tone=_tone(verdict),
        by_how_much=_by_how_much(verdict),
        how_sure=_how_sure(verdict),
        why=_against(verdict),
        next_step=_next_step(verdict, move, approval, is_last),
    )


def _tone(verdict: Verdict) -> Tone:
    """Won, lost or open."""
    if verdict.decision == "promote":
        return "won"
    if verdict.decision == "roll_back" or _failed(verdict):
        return "stays"
    return "open"


def _failed(verdict: Verdict) -> list[str]:
    """The checks that failed."""
    return [check.name for check in verdict.checks if check.outcome == "fail"]


def _title(verdict: Verdict) -> str:
    """The result in a few words."""
    if verdict.decision == "roll_back":
        return "The champion was rolled back"
    if verdict.decision == "promote":
        return "The challenger won" if verdict.champion_id else "The first champion"
    stays = "The champion stays" if verdict.champion_id else "No champion yet"
    failed = len(_failed(verdict))
    if failed:
        return f"{stays}: the challenger failed {failed} check{'s' if failed > 1 else ''}"
    why = "it is not yet clear which is better" if verdict.champion_id else "too few labels to decide"
    return f"{stays}: {why}"


def metric_name(metric: str) -> str:
    """A metric as people write it; one of the project's own by its function's name.

    >>> metric_name("roc_auc"), metric_name("macro_f1"), metric_name("our.metrics:net_gain")
    ('ROC AUC', 'macro F1', 'net gain')
    """
    words = metric.rpartition(":")[2].split("_")
    return " ".join(word.upper() if word in {"roc", "auc", "f1"} else word for word in words)


def _by_how_much(verdict: Verdict) -> str:
    """The metric of both and the gain."""
    name, new, old, gain = metric_name(verdict.metric), verdict.challenger, verdict.champion, verdict.gain
    lower = "" if greater_is_better(verdict.metric) else " (lower is better)"
    if new is None:
        return "" if verdict.decision == "roll_back" else f"{name}{lower} cannot be computed on these rows."
    if old is None or gain is None:
        return f"{name}{lower} is {new.value:.3f}; there is no champion to compare with."
    return f"{name}{lower} is {new.value:.3f} against the champion's {old.value:.3f}: {_amount(verdict.metric, gain)}."


def _amount(metric: str, gain: Interval) -> str:
    """A gain in words; of accuracy also as decisions."""
    if gain.value == 0:
        return "no difference"
    better = "better" if gain.value > 0 else "worse"
    amount = f"{100 * abs(gain.value):.1f} points" if metric in SHARES else f"{abs(gain.value):.3g}"
    of_thousand = round(1000 * abs(gain.value))
    many = f", about {of_thousand:,} of every 1,000 decisions" if metric == "accuracy" and of_thousand else ""
    return f"{amount} {better}{many}"


def _how_sure(verdict: Verdict) -> str:
    """The interval of the gain, and the error rate of such a look."""
    gain, level = verdict.gain, significance_level(verdict)
    if gain is None:
        return f"Judged on {verdict.rows:,} labeled rows." if verdict.rows else ""
    sure = "" if level is None else f"{_percent(1 - 2 * level)} sure, "
    low, high = _signed(verdict.metric, gain.low), _signed(verdict.metric, gain.high)
    points = " points" if verdict.metric in SHARES else ""
    interval = f"The true gain lies between {low} and {high}{points}, {sure}by {verdict.rows:,} labeled rows."
    if level is None or verdict.decision != "promote":
        return interval
    whom = "worse by more than the margin" if verdict.policy.get("rule") == "not_worse" else "no better"
    return f"{interval} A challenger that is {whom} would pass in at most {_percent(level)} of such looks."


def _signed(metric: str, gain: float) -> str:
    """A gain with its sign, in points where a hundredth of the metric is one."""
    return f"{100 * gain:+.1f}" if metric in SHARES else f"{gain:+.3g}"


def significance_level(verdict: Verdict) -> float | None:
    """The one-sided error that a verdict's look was allowed: as its evidence tells, else as its policy implies."""
    recorded = (verdict.evidence or {}).get("level")
    if isinstance(recorded, float | int):
        return float(recorded)
    confidence = verdict.policy.get("confidence")
    return (1 - float(confidence)) / 2 if isinstance(confidence, float | int) else None


def _percent(share: float) -> str:
    """A share in percent with as many digits as it needs.

    >>> _percent(0.95), _percent(0.9833333), _percent(0.0041666)
    ('95 %', '98.3 %', '0.42 %')
    """
    return f"{100 * share:.3g} %" if share > 0.01 else f"{100 * share:.2g} %"


def _against(verdict: Verdict) -> tuple[str, ...]:
    """The checks that did not pass, failures first; for a rollback its reason."""
    if verdict.decision == "roll_back":
        return (verdict.reason,)
    order = {"fail": 0, "undecided": 1}
    against = [check for check in verdict.checks if check.outcome in order]
    return tuple(_stood(check, verdict.metric) for check in sorted(against, key=lambda check: order[check.outcome]))


def _stood(check: Check, metric: str) -> str:
    """Why a check did not pass; for the gain, whose numbers are already given, only the requirement."""
    if check.name != "gain" or check.low is None or check.high is None or check.limit is None:
        return check.why
    if check.outcome == "fail":
        return f"Even the upper end of the gain, {_signed(metric, check.high)}, is too low."
    low, limit = _signed(metric, check.low), _signed(metric, check.limit)
    return f"The lower end of the gain is {low}; it must be above {limit} to rule out chance."


def _next_step(verdict: Verdict, move: Promotion | None, approval: Approval | None, is_last: bool) -> str:
    """What happened on the verdict, or what has to happen."""
    if move is not None:
        return f"Done: move {move.number} of the champion, on {move.recorded_at:%Y-%m-%d} by {move.actor}."
    if verdict.decision == "promote":
        return _about_promotion(verdict, approval, is_last)
    if not is_last:
        return "Nothing: later verdicts have come since."
    wanted, where = _wanted(verdict.evidence or {})
    if wanted:
        place = {"disagreement": ", where the two models disagree", "chance": ", at random"}.get(where, "")
        return f"Needed: {wanted:,} more evaluation labels{place}; 'tiltyard ask' adds them to the queue."
    return "Nothing to do for this challenger. Labeling continues, and the next training makes a new one."


def _about_promotion(verdict: Verdict, approval: Approval | None, is_last: bool) -> str:
    """The next step after a 'promote' verdict that was not acted on."""
    if approval is not None and not approval.approved:
        return f"Declined by {approval.reviewer}: {approval.reason}. The champion stays."
    if not is_last:
        return "It was not acted on, and later verdicts have come since."
    if verdict.policy.get("approval") and approval is None:
        return f"A person must agree: tiltyard approve {verdict.verdict_id[:8]} --reason WHY."
    return "The challenger becomes champion at the next 'tiltyard promote', or at the next run of the loop."


def _wanted(evidence: Mapping[str, Any]) -> tuple[int, str]:
    """How many more evaluation labels a verdict wanted, and where."""
    wanted = evidence.get("labels_wanted")
    return (wanted if isinstance(wanted, int) else 0), str(evidence.get("wanted_where", ""))


MARKED = re.compile(r"([\\`*_\[\]|~])")


def verdict_markdown(
    verdict: Verdict, address: str = "", move: Promotion | None = None, approval: Approval | None = None
) -> str:
    """The headline and every check under its question; ``address`` is where the whole page is shown, if anywhere."""
    summary = headline(verdict, move, approval)
    lines = [f"# {plain(summary.title)}", "", plain(summary.by_how_much), "", plain(summary.how_sure), ""]
    lines += [f"- {plain(reason)}" for reason in summary.why]
    lines += ["", f"**Next:** {plain(summary.next_step)}", "", _where(verdict, address)]
    lines += ["", f"Challenger `{verdict.challenger_id[:8]}`: {verdict.decision}, {plain(verdict.reason)}"]
    for group in group_checks(verdict.checks):
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
