"""prefect.yaml, automations.yaml and work pools: nothing that Prefect would ignore in silence or refuse too late."""

import json
import re
import shlex
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect import Flow
from prefect.utilities.callables import parameter_schema
from prefect.utilities.templating import apply_values

from tests.architecture.sources import ROOT
from tests.architecture.written_commands import commands_of
from tests.deployments.deployed_commands import problems_of
from tests.projects.small_project import make_project
from tiltyard.apps.cli.deployment.files import VARIABLE, VARIABLES, fill_variables, read_yaml, variables_of
from tiltyard.apps.cli.deployment.lint import all_flows, lint_automations, lint_deployments, refuse_mistakes
from tiltyard.schemas.errors import SettingsError

SAMPLE = {
    "TILTYARD_PROJECT": "/projects/bank",
    "TILTYARD_PROJECT_NAME": "bank",
    "TILTYARD_OBJECTS": "s3://in/bank/*",
    "TILTYARD_WORK_POOL": "tiltyard",
}
RAW = read_yaml(ROOT / "prefect.yaml")
FILE: dict[str, Any] = fill_variables(RAW, SAMPLE)
AUTOMATIONS: dict[str, Any] = fill_variables(read_yaml(ROOT / "deployments" / "automations.yaml"), SAMPLE)
INGEST = next(number for number, one in enumerate(FILE["deployments"]) if "ingest_batch" in one["entrypoint"])
PROMOTE = next(number for number, one in enumerate(FILE["deployments"]) if "promote_model" in one["entrypoint"])
WAITS = next(number for number, one in enumerate(AUTOMATIONS["automations"]) if "awaited" in one["name"])

Place = tuple[str | int, ...]
REMOVED = "(this key is removed)"


def changed(file: dict[str, Any], place: Place, value: Any) -> dict[str, Any]:
    """A copy of a file with one value replaced, added or removed."""
    copy = deepcopy(file)
    node: Any = copy
    for key in place[:-1]:
        node = node[key]
    if value is REMOVED:
        del node[place[-1]]
    else:
        node[place[-1]] = value
    return copy


def test_the_files_are_right() -> None:
    assert lint_deployments(FILE) == []
    assert lint_automations(AUTOMATIONS, "bank") == []


D: Place = ("deployments", INGEST)
T: Place = (*D, "triggers", 0)
TRIGGER = FILE["deployments"][INGEST]["triggers"][0]
BROKEN_DEPLOYMENTS: list[tuple[Place, Any, str]] = [
    (("deployment",), [], "unknown key 'deployment'; did you mean 'deployments'?"),
    ((*D, "paramters"), {}, "unknown key 'paramters'; did you mean 'parameters'?"),
    ((*D, "work_pool", "job_variable"), {}, "unknown key 'job_variable'"),
    ((*D, "concurrency_limit", "strategy"), "ENQUEUE", "unknown key 'strategy'"),
    ((*D, "concurrency_limit", "collision_strategy"), "ENQUE", "did you mean 'ENQUEUE'?"),
    (("deployments", PROMOTE, "concurrency_limit"), {"limit": 1}, "a suspended run keeps its slot"),
    ((*D, "concurrency_limit"), REMOVED, "does not define what a second run does"),
    ((*D, "concurrency_limit"), 1, "does not define what a second run does"),
    ((*D, "schedules"), [{"cron": "* * *", "active": False}], "cron"),
    ((*D, "schedules"), [{"cron": "5 4 * * *", "timezone": "Europe/Berln", "active": False}], "imezone"),
    ((*D, "schedules"), [{"cron": "5 4 * * *", "actve": False}], "did you mean 'active'?"),
    ((*D, "schedules"), [{"cron": "5 4 * * *"}], "a schedule must begin paused"),
    ((*D, "schedules"), [{"active": False}], "Exactly one of"),
    ((*D, "entrypoint"), "flows/ingest_batch.py:ingest_batch", "an entry point is MODULE.FUNCTION"),
    (
        (*D, "entrypoint"),
        "tiltyard.flows.ingest_batch.ingest",
        "did you mean 'tiltyard.flows.ingest_batch.ingest_batch'?",
    ),
    (
        (*D, "entrypoint"),
        "tiltyard.flows.ask_experts.ask_experts",
        "tiltyard.flows.ingest_batch.ingest_batch is not deployed",
    ),
    (
        (*D, "entrypoint"),
        "tiltyard.flows.ask_experts.ask_experts",
        "tiltyard.flows.ask_experts.ask_experts as 'bank' is deployed twice",
    ),
    ((*D, "parameters", "projct"), ".", "unknown key 'projct'; did you mean 'project'?"),
    ((*D, "parameters", "arrived"), {"bucket": "in"}, "arrived"),
    ((*T, "postur"), "Reactive", "unknown key 'postur'; did you mean 'posture'?"),
    ((*T, "posture"), "Reactiv", "posture"),
    ((*T, "type"), "evnt", "Input tag 'evnt'"),
    ((*T, "posture"), "Proactive", "must be greater than or equal to 10 seconds"),
    ((*D, "triggers"), [{**TRIGGER, "posture": "Proactive", "within": 60}], "proactive without for_each"),
    ((*T, "within"), "soon", "within"),
    ((*T, "threshold"), "three", "threshold"),
    ((*T, "schedule_after"), 1, "schedule_after is shorter than within"),
    ((*T, "expect"), ["tiltyard.object.arived"], "Tiltyard emits no 'tiltyard.object.arived'"),
    ((*T, "expect"), [], "expects no event"),
    ((*T, "match"), {}, "another project's events fire it"),
    ((*T, "parameters", "arived"), {}, "unknown key 'arived'; did you mean 'arrived'?"),
    ((*T, "parameters", "arrived"), {"bucket": "in", "key": "k", "size": "{{ event.payload.key }}"}, "size"),
    ((*T, "parameters", "arrived"), {"__prefect_kind": "jinja", "template": "{{ event.payload | tojson"}, "jinja"),
    ((*T, "parameters"), {"arrived": "{{ event.payload.key }}"}, "arrived"),
    ((*T, "parameters"), {"arrived": {"__prefect_kind": "jina", "template": ""}}, "did you mean 'jinja'?"),
    ((*T, "parameters"), {"arrived": {"__prefect_kind": []}}, "there is no __prefect_kind []"),
]


@pytest.mark.parametrize(("place", "value", "said"), BROKEN_DEPLOYMENTS, ids=lambda one: str(one)[-50:])
def test_a_broken_deployment_is_found(place: Place, value: Any, said: str) -> None:
    mistakes = lint_deployments(changed(FILE, place, value))
    assert any(said in one for one in mistakes), mistakes


A: Place = ("automations", WAITS)
BROKEN_AUTOMATIONS: list[tuple[Place, Any, str]] = [
    (("automation",), [], "did you mean 'automations'?"),
    ((*A, "triger"), {}, "unknown key 'triger'; did you mean 'trigger'?"),
    ((*A, "name"), "labels are awaited", "must begin with 'bank tells: '"),
    ((*A, "name"), "bank tells: drift", "two automations are named 'bank tells: drift'"),
    ((*A, "trigger", "for_each"), REMOVED, "proactive without for_each"),
    ((*A, "trigger", "within"), REMOVED, "proactive within 0 seconds"),
    ((*A, "trigger", "within"), 5, "must be greater than or equal to 10 seconds"),
    ((*A, "trigger", "after"), ["tiltyard.labels.wantd"], "Tiltyard emits no 'tiltyard.labels.wantd'"),
    ((*A, "trigger", "match"), REMOVED, "another project's events fire it"),
    ((*A, "trigger", "threshold"), 0.5, "threshold"),
    ((*A, "actions", 0, "type"), "send-notice", "there is no action 'send-notice'"),
    ((*A, "actions", 0, "bdy"), "x", "unknown key 'bdy'; did you mean 'body'?"),
    ((*A, "actions", 0, "body"), REMOVED, "body"),
    ((*A, "actions", 0, "body"), "{{ event.payload.text", "actions[0]: body: unexpected end of template"),
    ((*A, "actions", 0, "block"), REMOVED, "block_document_id"),
    ((*A, "actions"), REMOVED, "actions"),
]


@pytest.mark.parametrize(("place", "value", "said"), BROKEN_AUTOMATIONS, ids=lambda one: str(one)[-50:])
def test_a_broken_automation_is_found(place: Place, value: Any, said: str) -> None:
    mistakes = lint_automations(changed(AUTOMATIONS, place, value), "bank")
    assert any(said in one for one in mistakes), mistakes


def places(node: Any, place: Place = ()) -> Iterator[Place]:
    """Every place in a file."""
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in inner:
        yield (*place, key)
        yield from places(value, (*place, key))


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


@given(place=st.sampled_from(list(places(FILE))), value=ANYTHING)
def test_whatever_stands_in_deployments_gets_a_sentence(place: Place, value: Any) -> None:
    assert all(isinstance(one, str) for one in lint_deployments(changed(FILE, place, value)))


@given(place=st.sampled_from(list(places(AUTOMATIONS))), value=ANYTHING)
def test_whatever_stands_in_automations_gets_a_sentence(place: Place, value: Any) -> None:
    assert all(isinstance(one, str) for one in lint_automations(changed(AUTOMATIONS, place, value), "bank"))


def test_triggers_inside_a_trigger_are_looked_at() -> None:
    inner = {
        "type": "event",
        "expect": ["tiltyard.batch.checked"],
        "match": {"prefect.resource.id": "x"},
        "treshold": 2,
    }
    outer = {"type": "compound", "require": "all", "within": 60, "triggers": [inner], "name": "bank wakes both"}
    mistakes = lint_deployments(changed(FILE, T, outer))
    assert any("triggers[0]: triggers[0]: unknown key 'treshold'" in one for one in mistakes), mistakes


def test_a_threshold_needs_a_time() -> None:
    lone = {**TRIGGER, "threshold": 3, "within": 0}
    mistakes = lint_deployments(changed(FILE, T, lone))
    assert any("threshold 3 without within" in one for one in mistakes), mistakes


def test_mistakes_are_told_with_the_file_and_nothing_is_sent() -> None:
    with pytest.raises(
        SettingsError, match=re.escape("'prefect.yaml' has mistakes, nothing was sent to Prefect: a; b")
    ):
        refuse_mistakes(["a", "b"], Path("prefect.yaml"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "no file"),
        ("a: [", "is not valid YAML"),
        ("- a list", "does not contain a mapping"),
        ("", "does not contain a mapping"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(text: str | None, said: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "prefect.yaml").write_text(text, "utf-8")
    with pytest.raises(SettingsError, match=said):
        read_yaml(tmp_path / "prefect.yaml")


def test_a_misspelt_variable_is_named() -> None:
    with pytest.raises(SettingsError, match="did you mean 'TILTYARD_PROJECT'"):
        fill_variables({"project": "{{ $TILTYARD_PROJEKT }}"}, SAMPLE)


def test_the_variables_are_those_of_the_file() -> None:
    used = set(VARIABLE.findall((ROOT / "prefect.yaml").read_text("utf-8")))
    assert used == set(VARIABLES) == set(SAMPLE)


@pytest.mark.parametrize(
    ("source", "objects"),
    [
        (None, "tiltyard.project.small"),
        ("s3://in/small", "s3://in/small/*"),
        ("s3://in", "s3://in/*"),
        ("s3://in/a[1]", "s3://in/a[[]1]/*"),
    ],
)
def test_events_of_objects_are_known_by_their_place(
    source: str | None, objects: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if source:
        monkeypatch.setenv("TILTYARD_SOURCE_URL", source)
    workspace = make_project(tmp_path)
    assert variables_of(workspace, "pool", "/there") == {
        "TILTYARD_PROJECT": "/there",
        "TILTYARD_PROJECT_NAME": "small",
        "TILTYARD_OBJECTS": objects,
        "TILTYARD_WORK_POOL": "pool",
    }


@pytest.mark.parametrize(("entrypoint", "flow"), all_flows().items(), ids=lambda one: str(getattr(one, "name", one)))
def test_each_parameter_says_in_its_form_what_it_is(entrypoint: str, flow: Flow[..., Any]) -> None:
    properties = parameter_schema(flow).model_dump()["properties"]
    assert [name for name, one in properties.items() if not one.get("description")] == [], entrypoint
    assert [name for name, one in properties.items() if "default" not in one] == [], "a run needs no parameter"


def test_names_of_pools_are_names_of_files() -> None:
    folder = ROOT / "deployments" / "work-pools"
    assert {path.stem for path in folder.glob("*.json")} == {"process", "docker", "kubernetes", "ecs"}


@pytest.mark.parametrize("path", sorted((ROOT / "deployments" / "work-pools").glob("*.json")), ids=lambda one: one.stem)
def test_a_pool_s_configuration_uses_its_variables_and_no_others(path: Path) -> None:
    template = json.loads(path.read_text("utf-8"))
    properties = template["variables"]["properties"]
    used = set(re.findall(r"{{ (\w+) }}", json.dumps(template["job_configuration"])))
    assert used <= set(properties)
    assert set(template["variables"].get("required", [])) <= set(properties)
    assert properties["env"]["default"]["OMP_NUM_THREADS"] == "1"


@pytest.mark.parametrize("path", sorted((ROOT / "deployments" / "work-pools").glob("*.json")), ids=lambda one: one.stem)
def test_a_pool_s_defaults_fill_its_configuration(path: Path) -> None:
    """As a worker does it: what has no default is left out, and nothing stays a placeholder."""
    template = json.loads(path.read_text("utf-8"))
    given = {name: one["default"] for name, one in template["variables"]["properties"].items() if "default" in one}
    made = json.dumps(apply_values(template["job_configuration"], {**given, "command": "prefect flow-run execute"}))
    assert "{{" not in made
    assert path.stem == "process" or "tiltyard:latest" in made


def test_runs_on_a_cluster_have_no_rights() -> None:
    job = json.loads((ROOT / "deployments/work-pools/kubernetes.json").read_text("utf-8"))["job_configuration"]
    pod = job["job_manifest"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert {one["name"] for one in container["volumeMounts"]} == {one["name"] for one in pod["volumes"]}


def by_hand() -> list[tuple[str, dict[str, str]]]:
    """The runs that the page starts by hand: the flow, and its parameters as the command line has them."""
    page = ROOT / "docs" / "how-to" / "run-under-prefect.md"
    lines = [shlex.split(one) for one in commands_of(page) if one.startswith("prefect deployment run ")]
    return [(words[3].removesuffix("/bank"), dict(one.split("=", 1) for one in words[5::2])) for words in lines]


def test_the_page_starts_each_flow_by_hand() -> None:
    assert {name for name, _ in by_hand()} == {flow.name for flow in all_flows().values()}


@pytest.mark.parametrize(("name", "given"), by_hand(), ids=str)
def test_runs_that_are_started_by_hand_fit_their_flows(name: str, given: dict[str, str]) -> None:
    flow = next(flow for flow in all_flows().values() if flow.name == name)
    flow.validate_parameters({parameter: as_json(value) for parameter, value in given.items()})


def as_json(value: str) -> Any:
    """A parameter as Prefect's command line reads it: JSON, or else text."""
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value


@pytest.mark.parametrize("page", ["run-under-prefect.md", "set-up-notifications.md"])
def test_prefect_has_the_commands_of_the_pages(page: str) -> None:
    commands = [shlex.split(one) for one in commands_of(ROOT / "docs" / "how-to" / page)]
    assert [problem for command in commands for problem in problems_of(command)] == []
