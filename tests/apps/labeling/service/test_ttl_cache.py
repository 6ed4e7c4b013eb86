"""What is remembered between requests: for how long, found by one of many, and changed without a question."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from tiltyard.apps.labeling.service.ttl_cache import TtlCache


def test_a_value_is_found_again_when_its_time_is_over() -> None:
    remembered, found = TtlCache[int](0.05), iter(range(10))
    assert [remembered.get("a", lambda: next(found)) for _ in range(3)] == [0, 0, 0]
    assert remembered.peek("a") == (0,)
    time.sleep(0.06)
    assert remembered.peek("a") is None
    assert remembered.get("a", lambda: next(found)) == 1
    remembered.invalidate("a")
    assert remembered.get("a", lambda: next(found)) == 2


def test_of_many_who_ask_for_what_was_never_found_one_finds_it() -> None:
    remembered, calls = TtlCache[int](10), list[int]()

    def find() -> int:
        time.sleep(0.05)
        calls.append(1)
        return 7

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: remembered.get("a", find), range(8))) == {7}
    assert len(calls) == 1


def test_while_one_finds_the_new_value_the_others_make_do_with_the_old() -> None:
    remembered, go_on = TtlCache[str](0.01), threading.Event()
    remembered.get("a", lambda: "old")
    time.sleep(0.3)

    def find() -> str:
        assert go_on.wait(10)
        return "new"

    with ThreadPoolExecutor(1) as pool:
        finding = pool.submit(remembered.get, "a", find)
        time.sleep(0.05)
        assert remembered.get("a", lambda: "another") == "old"
        go_on.set()
        assert finding.result(10) == "new"
    assert remembered.get("a", lambda: "another") == "new"


def test_a_change_asks_nobody_and_lasts_no_longer() -> None:
    remembered = TtlCache[int](0.05)
    remembered.update("a", lambda value: value + 1)
    assert remembered.peek("a") is None
    remembered.get("a", lambda: 1)
    remembered.update("a", lambda value: value + 1)
    assert remembered.peek("a") == (2,)
    time.sleep(0.06)
    assert remembered.get("a", lambda: 9) == 9


def test_what_is_dear_to_find_is_found_less_often() -> None:
    remembered = TtlCache[int](0.0)

    def find() -> int:
        time.sleep(0.05)
        return 1

    assert remembered.get("a", find) == 1
    time.sleep(0.2)
    assert remembered.peek("a") == (1,)
