"""Missing shards of a stage that one process computes alone, and the progress over them."""

from __future__ import annotations

from collections.abc import Iterator

from g2is.pipeline.progress import Bar
from g2is.storage.shards import ShardStore


def missing_shards(store: ShardStore, bar: Bar) -> Iterator[tuple[int, slice]]:
    """Number and rows of each missing shard; the bar starts after finished ones."""
    missing = store.missing()
    bar.update(store.count - sum(len(store.rows(shard)) for shard in missing))
    bar.unpause()
    for shard in missing:
        rows = store.rows(shard)
        yield shard, slice(rows.start, rows.stop)
