"""The engine of many processes, on one machine or on many: actors of Ray.

Each actor holds the worker, so that a model is loaded once in each, and has two items: the one it works on, and the one
before it, which is being written, or the one after it, which is read ahead. In place of an actor that dies another is
started, on whatever machine has room; what it worked on is tried again, three times in all. No result passes through
Ray but receipts: shards are files in the folder of the run, which every machine sees under the same path.
"""

from __future__ import annotations

import os
import socket
import time
from collections import Counter as Counts
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from g2is.config import EngineConfig
from g2is.engine.base import Counter, Item, OnReceipt, Receipt, Result, Worker, nothing
from g2is.engine.overlap import Lanes
from g2is.errors import InputError, shortened

ATTEMPTS = 3
"""Times that an item is tried."""
IN_FLIGHT = 2
"""Items that an actor has at once (`overlap.Lanes`)."""
TICK = 1.0
"""Seconds after which the driver looks for hung workers, new machines and what else has changed, at most."""
STILLBORN = 10
"""Actors that may die one after the other before any has started."""
REACHED = 20
"""Seconds to wait for the address of a cluster."""
LONGEST_REASON = 200
OBJECT_STORE = 256 * 2**20
"""Bytes of Ray's memory for objects where it is started here: receipts need little."""


class RayEngine:
    """Does the work on actors of Ray, each with a GPU of its own where there are any.

    Starts Ray on this machine, or joins a cluster: that of `address`, or of RAY_ADDRESS, which `ray job submit` sets.
    Raises `InputError` where there is no such cluster.
    """

    def __init__(self, config: EngineConfig, *, on_cpu: bool = False) -> None:
        self._config = config
        self._limit = 60 * config.shard_minutes
        # Ray would send statistics of its use to its makers.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        address = config.address or os.environ.get("RAY_ADDRESS") or "local"
        _check_reachable(address)
        started = {"object_store_memory": OBJECT_STORE, "include_dashboard": False}
        try:
            ray.init(
                address,
                log_to_driver=False,
                logging_level="error",
                ignore_reinit_error=True,
                **(started if address == "local" else {}),
            )
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise InputError(
                f"address = {address!r}: {_reason(error)}; start Ray there with `ray start`"
            ) from None
        gpus = config.worker_gpus
        if gpus is None:
            gpus = 1 if not on_cpu and self._most("GPU", 1) else 0
        self._resources: dict[str, Any] = {"num_cpus": 1, "num_gpus": gpus}

    def call(
        self,
        function: Callable[..., Result],
        *arguments: Any,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> Result:
        """The result of a function in another process, which has a worker's devices, however long it takes.

        It is called again if its machine dies. A process that had a GPU ends, which gives its memory back.
        """
        once = {"max_calls": 1} if self._resources["num_gpus"] else {}
        options = {**self._resources, **once, "max_retries": ATTEMPTS - 1}
        try:
            result = ray.remote(**options)(_called).remote(str(Path.cwd()), function, arguments)
            while not ray.wait([result], timeout=TICK)[0]:
                meanwhile()
            return ray.get(result)
        except RayTaskError as error:
            raise _own(error) from None
        except RayError as error:
            raise InputError(f"Ray: {_reason(error)}; the same command resumes") from None

    def map(
        self, worker: Worker, items: Sequence[Item], bar: Counter, done: OnReceipt = nothing
    ) -> list[Receipt]:
        """Write all items; those that failed each time are set aside at the end.

        Raises `InputError` where more failed than were written.
        """
        if not items:
            return []
        work = _Map(worker, items, bar, done, self._limit)
        try:
            while work.unfinished:
                work.grow(self._wanted(len(items)), self._resources)
                work.hand_out()
                work.look()
            return work.receipts + [worker.set_aside(item, reason) for item, reason in work.failed]
        finally:
            work.close()

    def close(self) -> None:
        """Leave the cluster; Ray that was started here ends."""
        ray.shutdown()

    def _wanted(self, items: int) -> int:
        """How many actors there should be now. Where none fits yet, one is asked for: clusters grow on demand."""
        gpus = self._resources["num_gpus"]
        fitting = self._most("GPU", gpus) if gpus else self._most("CPU", 1)
        return min(self._config.workers or max(1, fitting), items)

    @staticmethod
    def _most(kind: str, each: int) -> int:
        """How many workers with so many of a resource the machines hold."""
        alive = (node["Resources"] for node in ray.nodes() if node["Alive"])
        return sum(int(resources.get(kind, 0)) // each for resources in alive)


class _Actor:
    """A worker in a process of its own."""

    def __init__(self, folder: str, worker: Worker) -> None:
        _go_to(folder)
        self._lanes = Lanes(worker)

    def ready(self) -> None:
        """Returns when the process has started."""

    def write(self, item: Item) -> Receipt:
        """Called for several items at a time."""
        return self._lanes(item)


class _Slot:
    """An actor with the items that it has. started: None once it has told that it runs."""

    def __init__(self, actor: Any) -> None:
        self.actor = actor
        self.items: deque[tuple[Any, Item]] = deque()
        self.since = 0.0
        self.started: Any = actor.ready.remote()

    @property
    def ready(self) -> bool:
        return self.started is None

    def give(self, item: Item) -> None:
        if not self.items:
            self.since = time.monotonic()
        self.items.append((self.actor.write.remote(item), item))

    def ref(self) -> Any:
        """What the driver waits for: that it starts, or the item it works on; None for nothing."""
        if not self.ready:
            return self.started
        return self.items[0][0] if self.items else None

    def done(self) -> Item:
        """The item it worked on, which is finished, well or not."""
        self.since = time.monotonic()
        return self.items.popleft()[1]


class _Map:
    """One pass of a worker over items."""

    def __init__(
        self, worker: Worker, items: Sequence[Item], bar: Counter, done: OnReceipt, limit: float
    ) -> None:
        self.name = worker.name
        self.receipts: list[Receipt] = []
        self.failed: list[tuple[Item, str]] = []
        self._worker, self._stores = ray.put(worker), worker.stores
        self._queue = deque(items)
        self._bar, self._done = bar, done
        self._limit = limit
        self._slots: list[_Slot] = []
        self._attempts: Counts[Item] = Counts()
        self._suspects: set[Item] = set()
        """Items of actors that died with two: each is tried by itself, to know which of them it was."""
        self._stillborn = 0

    @property
    def unfinished(self) -> bool:
        return bool(self._queue) or any(slot.items for slot in self._slots)

    def grow(self, wanted: int, resources: dict[str, Any]) -> None:
        """Start actors up to a number: in place of dead ones, and more than at first where machines have joined."""
        while len(self._slots) < wanted:
            # Ray would give a process that it starts again the items that waited for its predecessor, uncounted.
            options = {**resources, "max_restarts": 0, "max_concurrency": IN_FLIGHT}
            actor = ray.remote(**options)(_Actor).remote(str(Path.cwd()), self._worker)
            self._slots.append(_Slot(actor))

    def hand_out(self) -> None:
        """Give items to actors that are ready; a second one only where there are enough for all, and no suspect."""
        for depth in range(IN_FLIGHT):
            idle = sum(not slot.items for slot in self._slots)
            for slot in self._slots:
                if slot.ready and len(slot.items) == depth and len(self._queue) > (idle if depth else 0):
                    together = {self._queue[0], *(item for _, item in slot.items)}
                    if len(together) == 1 or not together & self._suspects:
                        slot.give(self._queue.popleft())

    def look(self) -> None:
        """Wait for something to happen, at most for a moment, and take note of it."""
        waiting = {ref: slot for slot in self._slots if (ref := slot.ref()) is not None}
        if not waiting:
            time.sleep(TICK / 4)
        else:
            done, _ = ray.wait([*waiting], num_returns=1, timeout=TICK)
            done, _ = ray.wait([*waiting], num_returns=len(waiting), timeout=0) if done else (done, [])
            for ref in done:
                self._take(waiting[ref], ref)
        for slot in [*self._slots]:
            if slot.ready and slot.items and time.monotonic() - slot.since > self._limit:
                self._died(slot, f"it took longer than {self._limit / 60:g} minutes")
        self._bar.workers(sum(slot.ready for slot in self._slots))

    def close(self) -> None:
        """End all actors, which gives their GPUs back."""
        for slot in self._slots:
            ray.kill(slot.actor)

    def _take(self, slot: _Slot, ref: Any) -> None:
        """Take note of what an actor has done."""
        try:
            receipt = ray.get(ref)
        except RayTaskError as error:
            own = _own(error)
            if isinstance(own, InputError):
                raise own from None
            self._again(slot.done(), f"{type(own).__name__}: {_reason(own)}")
        except RayError as error:
            self._died(slot, "its worker died")
            self._stillborn += not slot.ready
            if self._stillborn > STILLBORN:
                raise InputError(f"{self.name}: workers of Ray do not start: {_reason(error)}") from None
        else:
            if not slot.ready:
                slot.started, self._stillborn = None, 0
                return
            slot.done()
            self._finished(receipt)

    def _died(self, slot: _Slot, reason: str) -> None:
        """What the actor worked on is tried again. Of two the first is blamed: computing takes longer than writing."""
        ray.kill(slot.actor)
        self._slots.remove(slot)
        items = deque(item for _, item in slot.items)
        # It may have sealed a shard before its receipt was on the way.
        while items and (path := self._stores[items[0].store].file(items[0].shard)):
            self._finished(Receipt(items.popleft(), path.name))
        if len(items) > 1:
            self._suspects.update(items)
        if items:
            self._again(items.popleft(), reason)
        self._queue.extendleft(reversed(items))

    def _finished(self, receipt: Receipt) -> None:
        self.receipts.append(receipt)
        self._done(receipt)
        self._bar.update(receipt.item.rows)

    def _again(self, item: Item, reason: str) -> None:
        """Try an item once more, or give it up. Raises `InputError` where more fail than succeed."""
        self._attempts[item] += 1
        if self._attempts[item] < ATTEMPTS:
            self._queue.append(item)
            return
        self.failed.append((item, f"computing it failed {ATTEMPTS} times, {reason}"))
        if len(self.failed) >= ATTEMPTS and len(self.failed) > len(self.receipts):
            raise InputError(
                f"{self.name}: {len(self.failed)} shards failed and {len(self.receipts)} did not; the last: {reason}"
            )


def _called(folder: str, function: Callable[..., Result], arguments: Sequence[Any]) -> Result:
    _go_to(folder)
    return function(*arguments)


def _go_to(folder: str) -> None:
    """The driver's working folder, which paths of models and runs may be relative to."""
    with suppress(OSError):
        os.chdir(folder)


def _check_reachable(address: str) -> None:
    """Raise `InputError` where nothing answers at host:port, for which Ray would wait minutes."""
    host, _, port = address.rpartition(":")
    if "://" in address:
        raise InputError(
            f"address = {address!r}: a build runs inside the cluster; expected auto or host:port there, or submit it "
            "with `ray job submit`"
        )
    if host and port.isdecimal():
        try:
            socket.create_connection((host, int(port)), timeout=REACHED).close()
        except (OSError, OverflowError) as error:
            raise _not_reached(address, error) from None


def _not_reached(address: str, error: Exception) -> InputError:
    return InputError(f"address = {address!r}: no Ray there ({_reason(error)}); start it with `ray start`")


def _own(error: RayTaskError) -> BaseException:
    """The exception that was raised in another process, without Ray's account of it where it is for the user."""
    cause = error.cause
    return InputError(str(cause)) if isinstance(cause, InputError) else (cause or error)


def _reason(error: BaseException) -> str:
    """An error in a line."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return shortened(lines[0], LONGEST_REASON)
