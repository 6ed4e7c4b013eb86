"""Label Studio over its REST API: find and make a project, send tasks, read what was answered. Nothing is deleted."""

import json
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import httpx

from tiltyard.schemas.errors import LabelStudioError
from tiltyard.schemas.settings import Settings

Json = dict[str, Any]

PAGE: Final = 100
PAUSES: Final = (0.5, 2.0)
"""Seconds before a question is asked again; only questions are, since a command that failed may have been done."""

TIMEOUT: Final = httpx.Timeout(60, read=300, connect=10)
LONGEST: Final = 160
"""Characters of an answer that a message quotes."""


class Signed(httpx.Auth):
    """Signs requests with either token of Label Studio: a legacy one as it is, a personal one by what it buys."""

    requires_response_body = True

    def __init__(self, token: str, refresh_url: str) -> None:
        """Take the token; a personal access token has three parts with dots between."""
        self._token, self._refresh_url = token, refresh_url
        self._is_personal, self._access = token.count(".") == 2, ""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send the request signed; a personal token's access lasts minutes, so it is bought again when refused."""
        if not self._is_personal:
            request.headers["Authorization"] = f"Token {self._token}"
            yield request
            return
        for access in (self._access, ""):
            if not access:
                bought = yield httpx.Request("POST", self._refresh_url, json={"refresh": self._token})
                if not (access := _access_in(bought)):
                    return  # the refusal itself is the answer
                self._access = access
            request.headers["Authorization"] = f"Bearer {access}"
            response = yield request
            if response.status_code != httpx.codes.UNAUTHORIZED:
                return


@dataclass(frozen=True, slots=True)
class Found:
    """A project in Label Studio: its number, title and address there, and its fields."""

    number: int
    title: str
    url: str
    fields: Mapping[str, Any]


class LabelStudio:
    """One Label Studio server, as one of its users sees it. Every failure is a LabelStudioError of one sentence."""

    def __init__(self, url: str, token: str) -> None:
        """Nothing is sent before the first question."""
        self.url = url.rstrip("/")
        self._client = httpx.Client(auth=Signed(token, f"{self.url}/api/token/refresh/"), timeout=TIMEOUT)

    def __enter__(self) -> "LabelStudio":
        """Itself, for a while."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self._client.close()

    def version(self) -> str:
        """Which Label Studio answers."""
        return str(_field(self._ask("/api/version"), "release"))

    def project(self, marker: str) -> Found | None:
        """The project whose description has the marker, if there is one; two are a LabelStudioError."""
        found = [self._found(one) for one in self._projects() if marker in str(one.get("description"))]
        if len(found) > 1:
            named = " and ".join(f"{one.title!r} ({one.url})" for one in found)
            raise LabelStudioError(f"{named} both have {marker} in their description; take it out of all but one")
        return self._found(self._ask(f"/api/projects/{found[0].number}")) if found else None

    def make_project(self, fields: Json) -> Found:
        """Make a project."""
        return self._found(self._tell("POST", "/api/projects", fields))

    def change_project(self, number: int, fields: Json) -> None:
        """Change some fields of a project."""
        self._tell("PATCH", f"/api/projects/{number}", fields)

    def import_tasks(self, number: int, tasks: Sequence[Json]) -> int:
        """Add tasks to a project, all of the call's or none; how many. Label Studio adds what it has once more."""
        answer = self._tell("POST", f"/api/projects/{number}/import", list(tasks))
        return int(_field(answer, "task_count"))

    def tasks_with(self, number: int, name: str, values: Sequence[str]) -> list[Json]:
        """The tasks of a project whose data has one of these values under a name, without annotations."""
        return list(self._tasks(number, _filter(f"data.{name}", "in_list", "String", list(values))))

    def answered_tasks(self, number: int, since: datetime | None = None) -> list[Json]:
        """The tasks with their annotations: all, or those that may have been answered or changed since a moment.

        A submit that Label Studio answers with an error may be stored with the task left as it was, neither
        changed nor counted. So the tasks that it counts as unanswered are looked through as well.
        """
        if since is None:
            return list(self._tasks(number, fields="all"))
        written = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        changed = self._tasks(number, _filter("updated_at", "greater", "Datetime", written), fields="all")
        uncounted = self._tasks(number, _filter("total_annotations", "equal", "Number", 0), fields="all")
        return list({task["id"]: task for task in (*changed, *uncounted)}.values())

    def users(self) -> dict[int, str]:
        """Every user's e-mail by number."""
        return {int(user["id"]): str(user["email"]) for user in self._ask("/api/users")}

    def _found(self, fields: Json) -> Found:
        """A project as it is handed on."""
        number = int(_field(fields, "id"))
        return Found(number, str(fields.get("title")), f"{self.url}/projects/{number}", fields)

    def _projects(self) -> Iterator[Json]:
        """Every project that the user sees."""
        page, there = 1, True
        while there:
            answer = self._ask("/api/projects", page=page, page_size=PAGE)
            yield from _field(answer, "results")
            page, there = page + 1, bool(answer.get("next"))

    def _tasks(self, number: int, *conditions: Json, **options: str) -> Iterator[Json]:
        """The tasks that fit the conditions, by id.

        Each page begins after the last id of the one before: by page number, a task that is deleted meanwhile
        would move another one past unread, and a page past the end is an error there.
        """
        last, there = 0, True
        while there:
            items = [_filter("id", "greater", "Number", last), *conditions]
            query = {"filters": {"conjunction": "and", "items": items}, "ordering": ["tasks:id"]}
            asked = {"project": number, "page_size": PAGE, "query": json.dumps(query), **options}
            tasks = _field(self._ask("/api/tasks", **asked), "tasks")
            yield from tasks
            there = len(tasks) == PAGE
            last = tasks[-1]["id"] if tasks else last

    def _ask(self, path: str, **parameters: Any) -> Any:
        """The answer to a question, which is asked again when Label Studio is busy or cannot be reached."""
        for pause in PAUSES:
            try:
                response = self._send("GET", path, params=parameters)
            except LabelStudioError:
                response = None
            if response is not None and response.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
                break
            time.sleep(pause)
        else:
            response = self._send("GET", path, params=parameters)
        return self._content(response)

    def _tell(self, method: str, path: str, body: Any) -> Any:
        """The answer to a command, which is sent once."""
        return self._content(self._send(method, path, json=body))

    def _send(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Send a request; LabelStudioError when nobody answers."""
        try:
            return self._client.request(method, f"{self.url}{path}", **more)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            done = "" if method == "GET" else "; it may have been done all the same: run this again, nothing doubles"
            raise LabelStudioError(
                f"no Label Studio answers at {self.url!r} ({str(error) or type(error).__name__}): is it running, "
                f"and is TILTYARD_LABEL_STUDIO_URL right?{done}"
            ) from error

    def _content(self, response: httpx.Response) -> Any:
        """What an answer holds; LabelStudioError says what is wrong with one that is not good."""
        if response.is_success:
            try:
                return response.json()
            except ValueError as error:
                raise self._stranger(response) from error
        if response.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
            raise LabelStudioError(
                f"Label Studio at {self.url!r} does not take TILTYARD_LABEL_STUDIO_TOKEN ({_detail(response)}); copy a "
                "token from the page 'Account & Settings' there (legacy tokens only where the organization allows them)"
            )
        if response.is_server_error:
            raise LabelStudioError(
                f"Label Studio at {self.url!r} failed with {response.status_code} ({_detail(response)}); "
                "what was sent may be stored all the same: run this again, nothing doubles"
            )
        if "application/json" not in response.headers.get("content-type", ""):
            raise self._stranger(response)
        raise LabelStudioError(f"Label Studio refuses {response.request.url.path}: {_detail(response)}")

    def _stranger(self, response: httpx.Response) -> LabelStudioError:
        """What to say when something else answers."""
        return LabelStudioError(
            f"what answers at {self.url!r} is not Label Studio's API ({response.status_code} for "
            f"{response.request.url.path}); TILTYARD_LABEL_STUDIO_URL is the address of its first page"
        )


def open_label_studio(settings: Settings) -> LabelStudio:
    """The Label Studio that the environment names; LabelStudioError when it names none."""
    lacking = [name for name in ("label_studio_url", "label_studio_token") if not getattr(settings, name)]
    if lacking or not settings.label_studio_url or not settings.label_studio_token:
        raise LabelStudioError(f"which Label Studio? Set TILTYARD_{' and TILTYARD_'.join(lacking).upper()}")
    return LabelStudio(settings.label_studio_url, settings.label_studio_token.get_secret_value())


def _filter(name: str, operator: str, kind: str, value: Any) -> Json:
    """A condition on tasks as the data manager takes it."""
    return {"filter": f"filter:tasks:{name}", "operator": operator, "type": kind, "value": value}


def _field(answer: Any, name: str) -> Any:
    """A field of an answer; LabelStudioError when the answer has none of that name."""
    if not isinstance(answer, Mapping) or name not in answer:
        raise LabelStudioError(f"Label Studio answers without {name!r}: {answer!s:.{LONGEST}}")
    return answer[name]


def _access_in(response: httpx.Response) -> str:
    """The access that a personal token bought; empty where it was refused."""
    try:
        return str(response.json()["access"]) if response.is_success else ""
    except (ValueError, KeyError, TypeError):
        return ""


def _detail(response: httpx.Response) -> str:
    """What an answer says of its failure, short."""
    try:
        content = response.json()
    except ValueError:
        return f"{response.status_code} {response.reason_phrase}"
    details = content if isinstance(content, Mapping) else {}
    return f"{details.get('validation_errors') or details.get('detail') or content}"[:LONGEST]
