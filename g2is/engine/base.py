"""What an engine does: it maps a worker over items, each a shard to write, and gives back receipts.

Workers write sealed shards (`ShardStore`); no array passes through the engine. What is missing is seen from the folder
alone, once at the beginning, so a build that was stopped goes on where it stopped, with any engine. What is to be done
with a shard that is there is done by the process of the build, one shard after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from g2is.storage.shards import ShardStore

Result = TypeVar("Result")


@dataclass(frozen=True)
class Item:
    """A shard to write. store: its place among the stores of the worker. rows: how many it has."""

    store: int
    shard: int
    rows: int


@dataclass(frozen=True)
class Receipt:
    """A shard that was written. file: its name in the folder of its store. reason: why all of its rows are set aside;
    None where they were computed."""

    item: Item
    file: str
    reason: str | None = None


class Worker(Protocol):
    """Writes shards, each in three steps. It is pickled without what it has loaded, which each process loads once.

    Exceptions other than `InputError`, which is wrong for every item, are the item's own.
    """

    name: str
    """What is being done, for a person."""

    @property
    def stores(self) -> Sequence[ShardStore]:
        """Where the shards go."""
        ...

    def read(self, item: Item) -> Any:
        """What a shard is computed from, without the device. Called in another thread while the last is computed."""
        ...

    def compute(self, item: Item, given: Any, on_rows: Callable[[int], object]) -> Any:
        """What belongs into a shard. given: what was read for it. on_rows: called with the number of rows after each
        batch."""
        ...

    def write(self, item: Item, computed: Any) -> Receipt:
        """Write a shard. Called in another thread while the next is computed."""
        ...

    def set_aside(self, item: Item, reason: str) -> Receipt:
        """In the process of the build: write a shard whose rows are all invalid, for this reason.

        Raises `InputError` where nothing can do without the shard, or where no other is written.
        """
        ...


class Counter(Protocol):
    """A bar of progress (`pipeline.progress.Bar`)."""

    def update(self, n: float = 1) -> object:
        """Advance by so many rows."""
        ...

    def workers(self, count: int) -> object:
        """Show how many workers there are."""
        ...


OnReceipt = Callable[[Receipt], object]


def nothing(receipt: Receipt) -> None:
    """Do nothing with a receipt."""


class Engine(Protocol):
    """Where the work is done."""

    def call(
        self,
        function: Callable[..., Result],
        *arguments: Any,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> Result:
        """The result of a function that needs a device, and of which there is only one.

        meanwhile: called in this process again and again while another computes.
        """
        ...

    def map(
        self, worker: Worker, items: Sequence[Item], bar: Counter, done: OnReceipt = nothing
    ) -> list[Receipt]:
        """Write all items. done: called in this process with each receipt as it comes.

        Raises `InputError` of a worker or of `done`, and where too many items failed.
        """
        ...

    def close(self) -> None:
        """Give back what was taken."""
        ...


def missing_items(stores: Sequence[ShardStore], but: Container[int] = ()) -> list[Item]:
    """The shards still to be written, in order, from one look at each folder. but: shards that none of them needs."""
    return [
        Item(place, shard, len(store.rows(shard)))
        for place, store in enumerate(stores)
        for shard in store.absent()
        if shard not in but
    ]
