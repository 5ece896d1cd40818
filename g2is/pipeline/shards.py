"""Missing shards of a stage, and the progress over them: computed by an engine, or in this process alone."""

from __future__ import annotations

from collections.abc import Container, Iterator

from g2is.engine.base import Engine, OnReceipt, Worker, missing_items, nothing
from g2is.pipeline.progress import Bar
from g2is.pipeline.writer import RunWriter
from g2is.storage.shards import ShardStore


def work_through(
    engine: Engine, worker: Worker, writer: RunWriter, done: OnReceipt = nothing, but: Container[int] = ()
) -> None:
    """Compute the missing shards of a worker on an engine, and say what was set aside.

    done: called with each receipt as it comes. but: shards that are not needed any more.
    """
    total, items = sum(store.count for store in worker.stores), missing_items(worker.stores, but)
    with writer.progress(worker.name, total, "sample") as bar:
        bar.update(total - sum(item.rows for item in items))
        bar.unpause()
        receipts = engine.map(worker, items, bar, done)
    for receipt in receipts:
        if receipt.reason:
            rows = worker.stores[receipt.item.store].rows(receipt.item.shard)
            writer.say(
                f"{worker.name}: instructions {rows.start:,} to {rows.stop - 1:,} are set aside: {receipt.reason}"
            )


def missing_shards(store: ShardStore, bar: Bar) -> Iterator[tuple[int, slice]]:
    """Number and rows of each missing shard; the bar starts after finished ones."""
    missing = store.missing()
    bar.update(store.count - sum(len(store.rows(shard)) for shard in missing))
    bar.unpause()
    for shard in missing:
        rows = store.rows(shard)
        yield shard, slice(rows.start, rows.stop)
