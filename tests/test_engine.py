"""Shards that an engine computes, those that are set aside, and the lock that keeps two builds apart."""

import errno
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from g2is.engine.base import Item, missing_items
from g2is.engine.lock import exclusive
from g2is.errors import InputError
from g2is.lm.lazy import LazyModel
from g2is.lm.model import inspect_model
from g2is.pipeline.gradient_worker import GradientWorker
from g2is.pipeline.stages import gradients as gradients_stage
from g2is.run.run import Run
from g2is.run.saving import saving
from g2is.storage.shards import ShardStore
from tests.test_pipeline import configuration, content, make
from tests.tiny import save_tiny_model, write_pool


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    save_tiny_model(folder / "model")
    write_pool(folder / "pool.jsonl", 40)
    write_pool(folder / "target.jsonl", 6, seed=1)
    return folder


@pytest.fixture(scope="module")
def finished(files, tmp_path_factory) -> Path:
    return make(tmp_path_factory.mktemp("cache") / "run", files).folder


def test_a_pass_over_all_shards_looks_at_the_folder_once(tmp_path, monkeypatch):
    """Looking for each shard by itself takes seconds a pass where there are thousands."""
    store = ShardStore(tmp_path, 7, 1)
    for shard in range(7):
        store.write(shard, {"row": np.array([shard])}, {shard: "a note"})
    glob, looks = Path.glob, []

    def watched(folder, pattern):
        looks.append(pattern)
        return glob(folder, pattern)

    monkeypatch.setattr(Path, "glob", watched)
    assert np.concatenate(list(store.blocks("row"))).tolist() == list(range(7)) and len(looks) == 1
    assert list(store.notes()) == list(range(7)) and len(looks) == 2
    assert missing_items([store]) == [] and len(looks) == 3
    assert store.missing() == [] and len(looks) <= 5  # once for what is damaged


def test_shards_of_a_run_that_is_finished_are_not_wanted(tmp_path):
    store = ShardStore(tmp_path / "shards", 60, 3)
    assert missing_items([store]) == [] and not store.folder.exists()
    store.open()
    store.write(4, {"row": np.zeros(3)}, {})
    assert missing_items([store]) == [Item(0, shard, 3) for shard in range(20) if shard != 4]


def test_a_run_that_another_process_writes_is_left_alone(finished, files):
    before = content(finished)
    with FileLock(finished.with_name(".run.lock")):
        for overwrite in (False, True):
            with pytest.raises(InputError, match="another process is building this run") as said:
                make(finished, files, overwrite=overwrite)
            assert "\n" not in str(said.value)
    assert content(finished) == before
    with exclusive(finished), pytest.raises(InputError, match="another process"), exclusive(finished):
        pass


def test_a_lock_goes_where_nothing_was_begun_and_stays_with_a_run(tmp_path, finished):
    with pytest.raises(InputError, match="refused"), exclusive(tmp_path / "new"):
        assert (tmp_path / ".new.lock").exists()
        raise InputError("refused")
    assert list(tmp_path.iterdir()) == []
    with exclusive(finished):
        pass
    assert finished.with_name(".run.lock").exists()


def test_a_file_system_without_locks_is_told(finished, monkeypatch):
    """Not as many do it, with a file in the place of a lock, which outlives a process that is killed."""

    def none(lock, *arguments, **options):
        raise NotImplementedError("FileSystem does not appear to support flock")

    monkeypatch.setattr("filelock.FileLock.acquire", none)
    with pytest.raises(InputError, match="its file system has no locks"), exclusive(finished):
        pass
    with pytest.raises(InputError, match="its file system has no locks"), saving(finished):
        pass


@pytest.mark.parametrize("lock", [saving, exclusive])
def test_a_lock_is_no_file_that_outlives_its_holder(finished, monkeypatch, lock):
    def no_lock(*arguments: object) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr("fcntl.flock", no_lock)
    with pytest.raises(InputError, match="its file system has no locks"), lock(finished):
        pass


def test_a_shard_that_is_set_aside_has_invalid_rows_with_the_reason(finished, files, tmp_path, monkeypatch):
    """All else of the run is as it would be without these rows."""
    once, reason = GradientWorker.write, "computing it failed 3 times, its worker died"

    def failing(worker, item, computed):
        return worker.set_aside(item, reason) if item.shard == 2 else once(worker, item, computed)

    monkeypatch.setattr(GradientWorker, "write", failing)
    said: list[str] = []
    run = make(tmp_path / "run", files, said=said)
    assert f"gradients: instructions 32 to 39 are set aside: {reason}" in said
    assert run.check() == [] and (run.instructions["problem"].dropna() == reason).all()
    assert np.flatnonzero(~run.valid).tolist() == list(range(32, 40))
    whole = Run.open(finished)
    for regime in run.regimes:
        rows, others = run.regime(regime).gradients, whole.regime(regime).gradients
        assert np.array_equal(rows[:32], others[:32]) and not rows[32:].any()
        assert run.regime(regime).neighbors[:32].max() < 32


def test_nothing_is_set_aside_where_no_shard_is_computed(finished, files, tmp_path):
    config = configuration(files)
    lazy = LazyModel(config, inspect_model(config.model), print)
    worker = GradientWorker(tmp_path, config, lazy, 40, {"6": 1.0})
    with pytest.raises(InputError, match="no shard could be computed; its worker died"):
        worker.set_aside(Item(0, 0, 16), "its worker died")


def test_memory_that_runs_out_changes_rounding_alone(finished, files, tmp_path, monkeypatch):
    from torch import OutOfMemoryError

    from g2is.lm.gradients import GradientEngine

    call, refused = GradientEngine.__call__, []

    def small(engine, batch):
        if len(batch) > 2 or len(batch[0]) > longest:
            refused.append(len(batch))
            raise OutOfMemoryError("CUDA out of memory")
        return call(engine, batch)

    monkeypatch.setattr(GradientEngine, "__call__", small)
    longest = 10**6
    run, whole = make(tmp_path / "run", files), Run.open(finished)
    assert max(refused) > 2 and run.valid.all()
    for regime in run.regimes:
        rows, others = (one.regime(regime).gradients.astype(np.float32) for one in (run, whole))
        np.testing.assert_allclose(rows, others, atol=1e-3)
    # Of those that do not fit by themselves the run says so; validation examples would end the build.
    longest = int(whole.instructions["tokens"].max()) - 1
    monkeypatch.setattr(gradients_stage.GradientsStage, "of_examples", lambda stage, examples: vectors)
    vectors = np.asarray(whole.validation_gradients)
    run = make(tmp_path / "smaller", files)
    told = run.instructions["problem"].eq("the device's memory does not hold its gradient")
    assert told.sum() == (whole.instructions["tokens"] > longest).sum() > 0
    assert (told == ~run.valid).all() and run.instructions["loss"].isna().sum() == told.sum()
