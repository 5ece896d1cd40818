"""What visitors compute alike is computed once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from g2is.app.shared import computed as module
from g2is.app.shared.computed import computed


@pytest.fixture(autouse=True)
def empty(monkeypatch):
    monkeypatch.setattr(module, "_results", {})


def test_ten_who_ask_at_once_share_one_computation():
    begun, made = threading.Barrier(10), []

    def make() -> object:
        made.append(threading.get_ident())
        threading.Event().wait(0.05)
        return object()

    def ask(_: int) -> object:
        begun.wait()
        return computed("thing", "one", make)

    with ThreadPoolExecutor(10) as pool:
        results = set(map(id, pool.map(ask, range(10))))
    assert len(made) == 1 and len(results) == 1 and not module._making


def test_where_one_fails_the_next_tries():
    turns = iter([KeyboardInterrupt, ValueError, None])

    def make() -> str:
        if (error := next(turns)) is not None:
            raise error
        return "made"

    for error in (KeyboardInterrupt, ValueError):
        with pytest.raises(error):
            computed("thing", "one", make)
    assert computed("thing", "one", make) == "made" and not module._making


def test_what_was_not_asked_for_longest_is_dropped():
    made: list[str] = []
    for key in ("a", "b", "a", "c", "a", "b"):
        computed("thing", key, lambda key=key: made.append(key), most=2)
    assert made == ["a", "b", "c", "b"]
