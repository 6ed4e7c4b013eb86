"""Settings of the gate tried out: read as YAML, checked as the project file is."""

from typing import Any

import pytest

from tests.projects.examined_models import small
from tiltyard.gate.what_if import changed_checks, changed_settings, with_settings
from tiltyard.schemas.errors import ProjectFileError, SettingsError
from tiltyard.schemas.records import Check


@pytest.mark.parametrize(
    ("setting", "read"),
    [
        ("gate.confidence=0.9", lambda gate: gate.confidence == 0.9),
        ("gate.metric=roc_auc", lambda gate: gate.metric == "roc_auc"),
        ("gate.slices.columns=[x, colour]", lambda gate: gate.slices.columns == ["x", "colour"]),
        ("gate.calibration.most_error=null", lambda gate: gate.calibration.most_error is None),
        ("gate.floors={accuracy: 0.8}", lambda gate: gate.floors == {"accuracy": 0.8}),
        ("gate.approval=true", lambda gate: gate.approval is True),
    ],
)
def test_a_setting_is_read_as_yaml(setting: str, read: Any) -> None:
    changed = with_settings(small(), [setting])
    assert read(changed.gate)
    assert changed.model_copy(update={"gate": small().gate}) == small()


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("gate.confidnce=0.9", "did you mean 'confidence'"),
        ("gate.slices.margn=0.9", "did you mean 'margin'"),
        ("gate.confidence=often", "gate.confidence"),
        ("gate.metric=acuracy", "accuracy"),
    ],
)
def test_a_wrong_setting_is_named(setting: str, told: str) -> None:
    with pytest.raises(ProjectFileError, match=told):
        with_settings(small(), [setting])


@pytest.mark.parametrize("setting", ["gate.confidence", "seed=3", "confidence=0.9", "gate.metric=[", "=3"])
def test_what_is_no_setting_of_the_gate_is_refused(setting: str) -> None:
    with pytest.raises(SettingsError):
        with_settings(small(), [setting])


def test_settings_that_differ_have_their_full_names() -> None:
    before, after = small({"floors": {"accuracy": 0.7}}).gate, small({"slices": {"margin": 0.1}}).gate
    changed = changed_settings(before.model_dump(mode="json"), after.model_dump(mode="json"))
    assert changed == [
        {"setting": "gate.floors", "recorded": {"accuracy": 0.7}, "tried": {}},
        {"setting": "gate.slices.margin", "recorded": 0.05, "tried": 0.1},
    ]


def test_only_checks_that_differ_are_shown() -> None:
    def check(name: str, outcome: Any) -> Check:
        return Check(name, outcome, None, None, f"{name} is {outcome}")

    before = [check("labels", "pass"), check("gain", "undecided"), check("size", "fail")]
    after = [check("labels", "pass"), check("gain", "pass"), check("churn", "pass")]
    assert changed_checks(before, after) == [
        {"check": "gain", "recorded": "undecided", "tried": "pass", "why": "gain is pass"},
        {"check": "churn", "recorded": None, "tried": "pass", "why": "churn is pass"},
        {"check": "size", "recorded": "fail", "tried": None, "why": "size is fail"},
    ]
