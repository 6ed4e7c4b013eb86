"""The chart of champions over time, for a project of seconds and one of years."""

from datetime import UTC, datetime, timedelta

import pytest

from tiltyard.reports.html.evidence_charts import Reign, champions_chart

BEGUN = datetime(2026, 1, 5, 9, tzinfo=UTC)


@pytest.mark.parametrize("seconds", [0.1, 3, 90, 130, 290, 3000, 1e4, 5e4, 2e5, 1e6, 4e6, 1e7, 2e7, 6e7, 3e8])
def test_any_span_of_time_has_dates_without_a_warning(seconds: float) -> None:
    reigns = [Reign(BEGUN, 0.8, "a", False), Reign(BEGUN + timedelta(seconds=seconds / 2), 0.9, "b", False)]
    chart = champions_chart(reigns, BEGUN + timedelta(seconds=seconds), "accuracy", "Two champions.")
    assert chart is not None
    assert chart.narrow.count("<text") >= 4
