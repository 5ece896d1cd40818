"""Rows that are put at their place as they come: the same bytes whatever stops, damages or overtakes the writing."""

import multiprocessing
import os
import random
import resource
import signal
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from g2is.config import BuildConfig
from g2is.engine.base import Item, Receipt, missing_items
from g2is.errors import InputError
from g2is.pipeline.gradient_worker import GradientWorker
from g2is.pipeline.joining import Joining
from g2is.storage import files as g2is_files
from g2is.storage.joined import JoinedShards
from g2is.storage.shards import ShardStore, read_shard

COUNT, SIZE, SHARDS = 23, 4, 6
ORDER = [3, 0, 5, 1, 4, 2]


def arrays_of(folder: Path) -> dict[str, np.ndarray]:
    """All rows, by name: two long arrays and a short one. Row 7 is zero, as invalid ones are."""
    numbers = np.random.default_rng(0)
    rows = numbers.normal(size=(COUNT, 5)).astype(np.float16)
    rows[7] = 0
    return {"a": rows, "b": numbers.integers(-9, 9, (COUNT, 3)).astype(np.int8), "loss": np.arange(COUNT)}


def store_in(folder: Path) -> JoinedShards:
    return JoinedShards(
        folder / "building",
        COUNT,
        SIZE,
        arrays={name: folder / name / "gradients.npy" for name in ("a", "b")},
    )


def write(store: JoinedShards, shards: list[int]) -> None:
    arrays = arrays_of(store.folder)
    for shard in shards:
        rows = store.rows(shard)
        some = {name: array[rows.start : rows.stop] for name, array in arrays.items()}
        store.write(shard, some, {rows.start: f"first of {shard}"})


def finished(folder: Path) -> dict[str, bytes]:
    """Do what is missing, and all that came of it; the arrays are those that numpy writes."""
    store = store_in(folder)
    store.open()
    write(store, store.missing())
    store.finish()
    for name, path in store.arrays.items():
        expected = folder / "expected.npy"
        np.save(expected, arrays_of(folder)[name])
        assert path.read_bytes() == expected.read_bytes()
    assert np.concatenate([*store.blocks("loss")]).tolist() == list(range(COUNT))
    assert store.notes() == {shard * SIZE: f"first of {shard}" for shard in range(SHARDS)}
    return {name: path.read_bytes() for name, path in store.arrays.items()}


def test_rows_lie_at_their_place_in_whatever_order_they_came(tmp_path):
    store = store_in(tmp_path)
    assert store.open() == 0 and store.kinds() is None
    with pytest.raises(FileNotFoundError):
        store.finish()
    write(store, ORDER)
    assert store.missing() == [] and len(list(store.folder.iterdir())) == SHARDS + 2
    assert store.kinds() == {
        "a": (np.dtype(np.float16), (5,)),
        "b": (np.dtype(np.int8), (3,)),
        "loss": (np.dtype(int), ()),
    }
    finished(tmp_path)
    assert not list(store.folder.glob("*.npy"))


def test_of_a_shard_no_row_is_on_the_disk_twice(tmp_path):
    """What a shard keeps beside its rows does not grow with their length."""
    store = JoinedShards(tmp_path / "building", 64, 64, arrays={"a": tmp_path / "a.npy"})
    store.write(0, {"a": np.ones((64, 5000), np.float16)}, {})
    assert sum(path.stat().st_size for path in tmp_path.rglob("*.safetensors")) < 1000
    store.finish()
    assert [path.name for path in tmp_path.rglob("*.npy")] == ["a.npy"]


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1 << 4
    path.write_bytes(data)


HEADER = 128
DAMAGE = {
    "a bit of a row": (lambda folder: flip(folder / "a.npy", HEADER + 9 * 5 * 2 + 3), [2]),
    "a bit of the last row": (lambda folder: flip(folder / "b.npy", -1), [5]),
    "a bit of a row of zeros": (lambda folder: flip(folder / "a.npy", HEADER + 7 * 5 * 2), [1]),
    "a bit of the header": (lambda folder: flip(folder / "b.npy", 30), [*range(6)]),
    "an array cut off": (lambda folder: os.truncate(folder / "a.npy", 200), [*range(6)]),
    "an empty array": (lambda folder: os.truncate(folder / "a.npy", 0), [*range(6)]),
    "no array": (lambda folder: (folder / "b.npy").unlink(), [*range(6)]),
    "another array": (lambda folder: np.save(folder / "a.npy", np.ones((COUNT, 4))), [*range(6)]),
    "a bit of a shard": (lambda folder: flip(next(folder.glob("000004-*")), 90), [4]),
    "no shard": (lambda folder: next(folder.glob("000000-*")).unlink(), [0]),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_damaged_rows_are_written_again_and_no_others(tmp_path, kind):
    store = store_in(tmp_path)
    write(store, ORDER)
    damage, missing = DAMAGE[kind]
    damage(store.folder)
    assert store.missing() == missing
    finished(tmp_path)


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_stopped_at_any_moment_it_goes_on_and_ends_with_the_same_bytes(tmp_path, monkeypatch, call):
    """The disk is full, or the process stops, each time one call later."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)  # the disk need not really be waited for
    expected, calls = finished(tmp_path / "whole"), 0
    place = g2is_files.os if call == "fsync" else Path
    real = getattr(place, call)
    for fault in (OSError(28, "No space left on device"), KeyboardInterrupt()):
        for moment in range(40):
            folder, calls = tmp_path / f"{type(fault).__name__}{moment}", 0

            def failing(*arguments, moment=moment, fault=fault):
                nonlocal calls
                calls += 1
                if calls == moment + 1:
                    raise fault
                return real(*arguments)

            with monkeypatch.context() as patch:
                patch.setattr(place, call, failing)
                try:
                    finished(folder)
                except (InputError, KeyboardInterrupt) as error:
                    if isinstance(fault, OSError):
                        assert "\n" not in str(error) and "free some space" in str(error)
            if calls <= moment:
                break
            assert finished(folder) == expected
        assert moment > 6


def endless(folder: Path) -> None:
    while True:
        finished(folder)
        for path in (folder / "building").glob("00000[02]-*"):
            path.unlink()


def test_killed_at_random_moments_it_ends_with_the_same_bytes(tmp_path):
    expected, moments = finished(tmp_path / "whole"), random.Random(3)
    context = multiprocessing.get_context("fork")
    for _ in range(12):
        process = context.Process(target=endless, args=(tmp_path / "run",))
        process.start()
        time.sleep(moments.uniform(0, 0.05))
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
    assert finished(tmp_path / "run") == expected


def test_a_file_that_may_not_grow_is_one_line(tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (256, limits[1]))
    try:
        with pytest.raises(InputError, match=r"^[^\n]*a\.npy: could not be written: File too large; [^\n]*$"):
            finished(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    finished(tmp_path)


# Shards of workers


def shard_of(worker: GradientWorker, shard: int, scale: float = 1.0) -> dict[str, np.ndarray]:
    rows = worker.joined.rows(shard)
    found = np.random.default_rng(shard).normal(size=(len(rows), 6)).astype(np.float32) * scale
    norms = np.linalg.norm(found, axis=1).astype(np.float32)
    return {
        "sgd": (found / norms[:, None]).astype(np.float16),
        "sgd_norms": norms,
        "loss": np.full(len(rows), scale, np.float32),
        "notes": np.zeros((len(rows), 2), np.int32),
    }


def worker_in(folder: Path, rates: dict[str, float]) -> GradientWorker:
    settings = {"shard_size": SIZE, "regimes": ("sgd",), "checkpoints": len(rates)}
    config = BuildConfig(model={"model": "none"}, gradients=settings)
    worker = GradientWorker(folder, config, SimpleNamespace(), COUNT, rates)
    for store in (worker.joined, *worker.stores):
        store.open()
    return worker


def done(worker: GradientWorker, joining: Joining, store: int, shard: int, scale: float = 1.0) -> Receipt:
    path = worker.stores[store].write(shard, shard_of(worker, shard, scale), {})
    receipt = Receipt(Item(store, shard, len(worker.joined.rows(shard))), path.name)
    joining(receipt)
    return receipt


def rows_of(worker: GradientWorker) -> np.ndarray:
    worker.joined.finish()
    return np.load(worker.joined.arrays["sgd"])


def test_of_two_writers_of_a_shard_the_first_is_taken_and_the_other_changes_nothing(tmp_path):
    """A worker may be cut off, replaced, and go on writing: before its successor is done, after it, after the end."""
    worker = worker_in(tmp_path, {"3": 1.0})
    joining = Joining(worker)
    worker.stores[0].write(2, shard_of(worker, 2, -1.0), {})  # written, but not told
    for shard in range(SHARDS):
        done(worker, joining, 0, shard)
    expected = (worker.joined.folder / "sgd.npy").read_bytes()
    done(worker, joining, 0, 4, -1.0)
    assert (worker.joined.folder / "sgd.npy").read_bytes() == expected
    late = ShardStore(worker.stores[0].folder, COUNT, SIZE)
    late.write(1, shard_of(worker, 1, -1.0), {})
    assert rows_of(worker).tobytes() == expected[HEADER:]
    late.write(3, shard_of(worker, 3, -1.0), {})
    # The next attempt finds all that is joined, and removes what came too late.
    again = worker_in(tmp_path, {"3": 1.0})
    joining = Joining(again)
    assert joining.done == set(range(SHARDS)) and missing_items(again.stores, joining.done) == []
    joining.earlier(SimpleNamespace(progress=lambda *_: SimpleBar()))
    assert not again.stores[0].files() and rows_of(again).tobytes() == expected[HEADER:]
    assert np.concatenate([*again.joined.blocks("loss")]).tolist() == [1.0] * COUNT


class SimpleBar:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def update(self) -> None:
        pass


def test_shards_of_several_checkpoints_wait_for_the_last_and_are_gone_then(tmp_path):
    worker = worker_in(tmp_path, {"3": 0.25, "6": 0.75})
    joining = Joining(worker)
    for shard in range(SHARDS):
        done(worker, joining, 0, shard)
    assert not worker.joined.files() and len(worker.stores[0].files()) == SHARDS
    # Stopped here, the next attempt goes on with what is there and whole.
    flip(worker.stores[0].files()[2], -1)
    joining = Joining(worker_in(tmp_path, {"3": 0.25, "6": 0.75}))
    first, *others = missing_items(worker.stores, joining.done)
    assert (first.store, first.shard) == (0, 2) and {item.store for item in others} == {1}
    done(worker, joining, 0, 2)
    for shard in ORDER:
        done(worker, joining, 1, shard, 2.0)
    assert not any(store.files() for store in worker.stores)
    arrays, _ = read_shard(worker.joined.files()[0])
    assert (arrays["loss"] == 2).all()
    np.testing.assert_allclose(arrays["sgd_norms"], shard_of(worker, 0, 1.75)["sgd_norms"], rtol=1e-6)
    rows = rows_of(worker).astype(np.float32)
    assert rows.shape == (COUNT, 12)
    np.testing.assert_allclose(np.linalg.norm(rows[:, :6], axis=1), np.sqrt(0.25), atol=1e-3)


def test_a_shard_that_fails_at_one_checkpoint_is_set_aside_at_all(tmp_path):
    worker = worker_in(tmp_path, {"3": 0.5, "6": 0.5})
    joining, reason = Joining(worker), "its worker died"
    with pytest.raises(InputError, match=f"no shard could be computed; {reason}"):
        worker.set_aside(Item(0, 1, SIZE), reason)
    for store in range(2):
        for shard in {*range(SHARDS)} - {1 + store}:
            done(worker, joining, store, shard)
    for store in range(2):
        joining(worker.set_aside(Item(store, 1 + store, SIZE), reason))
    assert worker.joined.missing() == []
    assert worker.joined.notes() == dict.fromkeys(range(4, 12), reason)
    assert np.isnan(np.concatenate([*worker.joined.blocks("loss")])).nonzero()[0].tolist() == [*range(4, 12)]
    rows = rows_of(worker)
    assert not rows[4:12].any() and rows[:4].any(axis=1).all() and rows[12:].any(axis=1).all()
