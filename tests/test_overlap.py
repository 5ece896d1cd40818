"""Shards in three steps: what overlaps, what waits, and where errors come out."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from g2is.engine.base import Item, Receipt
from g2is.engine.overlap import Lanes, overlapped
from g2is.errors import InputError

PATIENCE = 60
ITEMS = [Item(0, shard, 2) for shard in range(5)]


class Steps:
    """A worker that notes when it begins and ends each step. waits: by (step, shard), what has to happen before it
    goes on. fails: by (step, shard), an error."""

    name = "steps"

    def __init__(self, waits=None, fails=None) -> None:
        self.events: list[str] = []
        self.threads: dict[str, set[int]] = {}
        self._waits, self._fails = waits or {}, fails or {}
        self._changed = threading.Condition()

    def read(self, item: Item) -> str:
        self._step("read", item)
        return f"tokens {item.shard}"

    def compute(self, item: Item, given: str, on_rows) -> str:
        assert given == f"tokens {item.shard}"
        self._step("compute", item)
        on_rows(item.rows)
        return f"rows {item.shard}"

    def write(self, item: Item, computed: str) -> Receipt:
        assert computed == f"rows {item.shard}"
        self._step("write", item)
        return Receipt(item, f"file {item.shard}")

    def _step(self, step: str, item: Item) -> None:
        self.threads.setdefault(step, set()).add(threading.get_ident())
        self.note(f"{step} {item.shard}")
        if awaited := self._waits.get((step, item.shard)):
            with self._changed:
                assert self._changed.wait_for(lambda: awaited in self.events, PATIENCE), awaited
        if error := self._fails.get((step, item.shard)):
            raise error
        self.note(f"{step} {item.shard} done")

    def note(self, event: str) -> None:
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    def place(self, event: str) -> int:
        return self.events.index(event)


def by_threads(worker: Steps, items: list[Item], on_rows, done) -> list[Receipt]:
    """As an actor of Ray, which has two items at a time."""
    lanes = Lanes(worker)
    with ThreadPoolExecutor(2) as pool:
        return [*pool.map(lanes, items)]


def ignore(*given) -> None:
    pass


@pytest.mark.parametrize("way", [overlapped, by_threads])
def test_the_next_is_read_and_the_last_written_while_one_is_computed(way):
    """Each computation waits for both, so that it would never end if they did not overlap."""
    waits = {("compute", shard): f"read {shard + 1} done" for shard in range(4)}
    assert [receipt.item for receipt in way(Steps(waits), ITEMS, ignore, ignore)] == ITEMS
    waits = {("compute", shard): f"write {shard - 1} done" for shard in range(1, 5)}
    assert [receipt.item for receipt in way(Steps(waits), ITEMS, ignore, ignore)] == ITEMS


@pytest.mark.parametrize("way", [overlapped, by_threads])
def test_one_shard_is_ahead_and_one_behind_at_most(way):
    # A slow tokenizer, and a slow disk: what can run ahead does.
    worker = Steps({("write", 0): "compute 1 done", ("write", 1): "compute 2 done"})
    way(worker, ITEMS, ignore, ignore)
    for shard in range(1, 5):
        assert worker.place(f"compute {shard}") > worker.place(f"compute {shard - 1} done")
        assert worker.place(f"write {shard}") > worker.place(f"write {shard - 1} done")
        assert worker.place(f"read {shard}") > worker.place(f"read {shard - 1} done")
    for shard in range(2, 5):
        assert worker.place(f"read {shard}") > worker.place(f"compute {shard - 2} done")
        if shard < 4:
            assert worker.place(f"compute {shard + 1}") > worker.place(f"write {shard - 1}")


def test_receipts_come_in_order_and_rows_are_counted():
    told, counted, worker = [], [], Steps()
    receipts = overlapped(worker, ITEMS, counted.append, told.append)
    assert [receipt.file for receipt in receipts] == [
        f"file {shard}" for shard in range(5)
    ] and told == receipts
    assert counted == [2] * 5 and overlapped(worker, [], ignore, ignore) == []
    # An interrupt reaches the main thread alone.
    assert worker.threads["compute"] == {threading.get_ident()}
    assert not (worker.threads["read"] | worker.threads["write"]) & worker.threads["compute"]


@pytest.mark.parametrize("step", ["read", "compute", "write"])
@pytest.mark.parametrize(
    "error", [InputError("pool: no such"), KeyboardInterrupt()], ids=["error", "interrupt"]
)
def test_an_error_comes_out_when_it_is_its_turn(step, error):
    """Those before it are written, with their receipts; of those after it none is."""
    worker, told, before = Steps(fails={(step, 2): error}), [], threading.active_count()
    with pytest.raises(type(error)):
        overlapped(worker, ITEMS, ignore, told.append)
    assert [receipt.item.shard for receipt in told] == [0, 1]
    assert "write 3" not in worker.events and "compute 4" not in worker.events
    assert threading.active_count() == before, "nothing goes on in a thread"


def test_what_was_computed_is_written_before_an_error_ends_the_pass():
    waits = {("write", 1): "compute 2"}
    worker, told = Steps(waits, {("compute", 2): ArithmeticError("no such")}), []
    with pytest.raises(ArithmeticError):
        overlapped(worker, ITEMS, ignore, told.append)
    assert [receipt.item.shard for receipt in told] == [0, 1]


def test_a_full_disk_ends_the_pass(tmp_path: Path):
    worker, told = Steps(fails={("write", 1): InputError("disk: full")}), []
    with pytest.raises(InputError, match="disk: full"):
        overlapped(worker, ITEMS, ignore, told.append)
    assert [receipt.item.shard for receipt in told] == [0] and "compute 3" not in worker.events


def test_a_thread_that_fails_leaves_its_lanes_to_the_others():
    errors = {(step, shard): ArithmeticError(step) for shard, step in enumerate(("read", "compute", "write"))}
    lanes, found = Lanes(Steps(fails=errors)), []
    for item in ITEMS[:3]:
        with pytest.raises(ArithmeticError) as raised:
            lanes(item)
        found.append(str(raised.value))
    assert found == ["read", "compute", "write"] and lanes(ITEMS[3]).file == "file 3"
