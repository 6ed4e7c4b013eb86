"""The labeling queue that one would write in an hour: the floor that ours is measured against."""

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from threading import Lock
from typing import Any
from uuid import uuid4

import httpx

from tests.servers.ports import free_port

PROTOTYPE_SCHEMA = (
    "CREATE TABLE item (id INTEGER PRIMARY KEY, payload TEXT, holder TEXT, lease_until DOUBLE PRECISION, done INTEGER)",
    "CREATE TABLE answer (key TEXT PRIMARY KEY, item INTEGER, who TEXT, label TEXT, at TEXT)",
    "CREATE INDEX item_open ON item (done, id)",
)
LEASE = """
UPDATE item SET holder = :who, lease_until = :until WHERE id = (
  SELECT id FROM item WHERE done = 0 AND (holder = :who OR lease_until < :now) ORDER BY id LIMIT 1 {lock})
RETURNING id, payload
"""


def serve(url: str, items: int, port: int) -> None:
    """Serve the prototype until the process is ended."""
    import uvicorn

    uvicorn.run(make(url, items), host="127.0.0.1", port=port, log_level="warning")


def open_database(url: str) -> Any:
    """An engine as durable as ours: on SQLite the write-ahead log, FULL, and the write lock from the start."""
    from sqlalchemy import create_engine, event

    if not url.startswith("sqlite"):
        return create_engine(url)
    engine = create_engine(url, connect_args={"timeout": 60, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def durable(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def make(url: str, items: int) -> Any:
    """Two routes over two tables."""
    from fastapi import FastAPI
    from sqlalchemy import text

    engine, turn, is_sqlite = open_database(url), Lock(), url.startswith("sqlite")
    with engine.begin() as connection:
        for statement in PROTOTYPE_SCHEMA:
            connection.execute(text(statement))
        rows = [{"id": number, "payload": '{"x": 1.0, "y": 2.0}'} for number in range(items)]
        connection.execute(text("INSERT INTO item VALUES (:id, :payload, NULL, 0, 0)"), rows)
    lease = text(LEASE.format(lock="" if is_sqlite else "FOR UPDATE SKIP LOCKED"))
    insert = text("INSERT INTO answer VALUES (:key, :item, :who, :label, :at)")
    close = text("UPDATE item SET done = 1 WHERE id = :item")
    app = FastAPI()

    @contextmanager
    def writing() -> Iterator[Any]:
        if is_sqlite:
            with turn, engine.begin() as connection:
                yield connection
            return
        with engine.begin() as connection:
            yield connection

    @app.get("/next")
    def next_item(who: str) -> Any:
        now = time.time()
        with writing() as connection:
            row = connection.execute(lease, {"who": who, "until": now + 900, "now": now}).first()
        return {"id": row.id, "payload": row.payload} if row else {}

    @app.post("/answer")
    def answer(body: dict[str, Any]) -> Any:
        with writing() as connection:
            connection.execute(insert, {**body, "at": datetime.now(UTC).isoformat()})
            connection.execute(close, {"item": body["item"]})
        return {"ok": True}

    return app


@contextmanager
def running_prototype(url: str, items: int) -> Iterator[str]:
    """The prototype in a process of its own; its address."""
    port = free_port()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(url, items, port), daemon=True)
    process.start()
    address = f"http://127.0.0.1:{port}"
    for _ in range(1500):
        with suppress(httpx.TransportError):
            httpx.get(f"{address}/openapi.json", timeout=2)
            break
        time.sleep(0.02)
    try:
        yield address
    finally:
        process.terminate()
        process.join()


def prototype_expert(address: str, who: str, most: int, submit_seconds: list[float]) -> None:
    """Ask for the next item and answer it, until there is none or enough are answered."""
    with httpx.Client(base_url=address, timeout=30) as client:
        while len(submit_seconds) < most and (item := client.get("/next", params={"who": who}).json()):
            began = time.perf_counter()
            body = {"key": uuid4().hex, "item": item["id"], "who": who, "label": "yes"}
            client.post("/answer", json=body).raise_for_status()
            submit_seconds.append(time.perf_counter() - began)
