"""What AWS posts to Prefect of a new object: the templates filled in as they would be, taken by a real server."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from time import sleep
from typing import Any
from uuid import uuid4

import jinja2
import pytest
from prefect.server.events.schemas.events import ReceivedEvent

from tests.architecture.deployments.terraform_module import Module
from tests.architecture.sources import ROOT
from tests.clients.commands import tiltyard
from tests.deployments.bucket_messages import ODD_KEYS, bridged
from tests.projects.small_project import make_project
from tests.servers.prefect_server import PrefectServer, running_prefect, wait_until
from tiltyard.schemas.arrivals import ArrivedObject
from tiltyard.schemas.events import OBJECT_ARRIVED

pytestmark = pytest.mark.timeout(600)

FOLDER = ROOT / "deployments" / "terraform"
BUCKET, PREFIX = "landing", "small"
BURST_SECONDS = 6
"""Longer than the events of one burst are apart, which start one run together."""


def paths() -> dict[str, str]:
    """What the target's transformer takes out of an event, as the Terraform module says it."""
    text = (FOLDER / "forwarding.tf").read_text("utf-8")
    target = Module({"forwarding.tf": text}, FOLDER).named("resource")["aws_cloudwatch_event_target.prefect"]
    (found,) = [one["input_transformer"] for one in target["dynamic"] if "input_transformer" in one]
    return dict(found["content"][0]["input_paths"])


def found_at(path: str, event: Any) -> Any:
    """The value at ``$.a.b``, none where there is nothing."""
    for name in path.removeprefix("$.").split("."):
        event = event.get(name) if isinstance(event, Mapping) else None
    return event


def transformed(event: dict[str, Any]) -> list[dict[str, Any]]:
    """The body that EventBridge posts: a value is written as JSON, but as it is where it stands within quotes."""
    template = (FOLDER / "event.template").read_text("utf-8").replace("${source}", f"s3://{BUCKET}/{PREFIX}/")
    for name, path in paths().items():
        value = found_at(path, event)
        raw = "" if value is None else str(value)
        template = template.replace(f'"<{name}>"', f'"{raw}"')
        template = template.replace(f"<{name}>", "" if value is None else json.dumps(value))
    body: list[dict[str, Any]] = json.loads(template)
    return body


def webhooked(event: dict[str, Any]) -> list[dict[str, Any]]:
    """The event that Prefect Cloud makes of what it is posted; it gives it an id and a time itself."""
    template = jinja2.Environment(autoescape=False).from_string((FOLDER / "webhook.template").read_text("utf-8"))
    made = json.loads(template.render(body=event, headers={}, method="POST"))
    return [{**made, "id": str(uuid4()), "occurred": datetime.now(UTC).isoformat()}]


def arrival(key: str, **of_object: Any) -> dict[str, Any]:
    """An event of S3 on EventBridge's bus, of now."""
    event: dict[str, Any] = json.loads(bridged(BUCKET, f"{PREFIX}/{key}", "Object Created", **of_object))
    return {**event, "id": str(uuid4()), "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}


@pytest.mark.parametrize("made", [transformed, webhooked])
@pytest.mark.parametrize("key", ODD_KEYS)
@pytest.mark.parametrize("of_object", [{}, {"version-id": "3sL4kqtJlcpXroDTDmJ"}], ids=["unversioned", "versioned"])
def test_an_event_of_aws_becomes_one_of_ours(made: Any, key: str, of_object: dict[str, str]) -> None:
    (body,) = made(arrival(key, **of_object))
    event = ReceivedEvent.model_validate(body)
    assert event.event == OBJECT_ARRIVED
    assert event.resource.id.startswith(f"s3://{BUCKET}/{PREFIX}/")
    arrived = ArrivedObject.model_validate(event.payload)
    assert (arrived.bucket, arrived.key, arrived.size) == (BUCKET, f"{PREFIX}/{key}", 10)
    assert (arrived.version, arrived.etag) == (of_object.get("version-id", ""), "0cc175b9c0f1b6a831c399e269772661")


def test_the_rule_hears_of_new_objects_of_its_project_only() -> None:
    text = (FOLDER / "forwarding.tf").read_text("utf-8")
    pattern = re.sub(r"\s+", " ", text[text.index("event_pattern") : text.index('event_target" "prefect')])
    assert 'detail-type = ["Object Created"]' in pattern
    assert "name = [var.landing_bucket]" in pattern
    assert '[{ prefix = "${each.value}/" }]' in pattern


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """A server to which a project is deployed whose source is in a bucket."""
    home = tmp_path_factory.mktemp("forwarding")
    project = make_project(home / "small").project_file.parent
    with running_prefect(home / "prefect") as server:
        server.prefect("work-pool", "create", "tiltyard", "--type", "process")
        with server.in_process():
            source = {"TILTYARD_SOURCE_URL": f"s3://{BUCKET}/{PREFIX}"}
            told = tiltyard(
                "deploy", "-p", project, PREFECT_API_URL=server.url, PREFECT_HOME=str(server.home), **source
            )
        assert told.code == 0, told.err
        yield server


def test_an_event_of_aws_starts_a_run(deployed: PrefectServer) -> None:
    """By both ways; the same event twice is one run, and objects under another prefix start none."""
    first, second = arrival('a "quoted" & spaced+key.csv'), arrival("päck\\ed.csv", **{"version-id": "v1"})
    deployed.post("/events", transformed(first))
    deployed.post("/events", transformed(first))
    wait_until(lambda: len(runs(deployed)) == 1, "a run for what EventBridge posted", 60)
    sleep(BURST_SECONDS)
    deployed.post("/events", webhooked(second))
    wait_until(lambda: len(runs(deployed)) == 2, "a run for what the webhook made", 60)
    sleep(BURST_SECONDS)
    elsewhere = {**webhooked(arrival("b.csv"))[0], "resource": {"prefect.resource.id": "s3://landing/smaller/b.csv"}}
    deployed.post("/events", [elsewhere])
    sleep(BURST_SECONDS)
    arrived = [run["parameters"]["arrived"] for run in runs(deployed)]
    assert [one["key"] for one in arrived] == ['small/a "quoted" & spaced+key.csv', "small/päck\\ed.csv"]
    assert [one["version"] for one in arrived] == ["", "v1"]


def runs(server: PrefectServer) -> list[dict[str, Any]]:
    """The runs of ``ingest-batch``, oldest first."""
    return server.runs_of("ingest-batch/small")


def test_the_page_shows_what_is_posted() -> None:
    page = (Path(ROOT) / "docs" / "how-to" / "forward-s3-events.md").read_text("utf-8")
    (shown,) = json.loads(page[page.index("```json") + 7 : page.index("```", page.index("```json") + 7)])
    (made,) = transformed(arrival("a.csv"))
    assert set(shown) == set(made)
    assert set(shown["payload"]) == set(made["payload"])
    ReceivedEvent.model_validate(shown)
