"""Several processes on one run: the same bytes as one process, also where one of them is killed at work."""

import multiprocessing
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from g2is.config import EnsembleConfig
from g2is.engine.sharing import work_off
from g2is.errors import InputError
from g2is.lm.model import inspect_model
from g2is.pipeline.extras import Extras
from g2is.run.manifest import Stage
from g2is.storage.shards import ShardStore
from tests.sharing_worker import build, shared_configuration
from tests.test_pipeline import configuration, content, make
from tests.tiny import save_tiny_model, write_pool

PATIENCE = 120


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    save_tiny_model(folder / "model")
    write_pool(folder / "pool.jsonl", 40)
    write_pool(folder / "target.jsonl", 6, seed=1)
    return folder


# Forked from a process that has imported everything: a fresh one takes seconds for that.
context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(["tests.sharing_worker"])
started: list[multiprocessing.Process] = []


@pytest.fixture(autouse=True)
def none_left():
    """Whatever a test started ends with it."""
    yield
    for process in started:
        process.kill()
        process.join()
    started.clear()


def start(files: Path, folder: Path, role: str = "free", stage: str = "gradients") -> multiprocessing.Process:
    process = context.Process(target=build, args=(files, folder, role, stage))
    process.start()
    started.append(process)
    return process


def ended(process: multiprocessing.Process) -> int | None:
    """The exit code, negative for a signal."""
    process.join(PATIENCE)
    return process.exitcode


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not path.exists():
        assert time.monotonic() < deadline, f"{path.name} never came"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def alone(files, tmp_path_factory) -> dict[str, bytes]:
    """What one process makes."""
    folder = tmp_path_factory.mktemp("alone") / "run"
    assert ended(start(files, folder)) == 0
    return content(folder)


@pytest.fixture
def finished(files, tmp_path) -> Path:
    """The folder of a run that is complete."""
    return make(tmp_path / "run", files, shared_configuration(files)).folder


def test_another_takes_over_the_lead_and_the_shard_of_a_process_that_is_killed(files, alone, tmp_path):
    folder = tmp_path / "run"
    doomed = start(files, folder, "doomed")
    wait_for(folder.with_name("held"))
    other = start(files, folder)
    wait_for(folder / "building/shards/000009.lock")  # it has claimed what was free; the first is not
    doomed.kill()
    assert ended(other) == 0 and ended(doomed) == -signal.SIGKILL
    said = next(tmp_path.glob("said-free-*")).read_text()
    assert "helping" in said and "the process that led has ended: leading" in said
    assert content(folder) == alone


def test_three_processes_share_neighbor_blocks_and_one_is_killed(files, alone, tmp_path):
    folder = tmp_path / "run"
    first = start(files, folder, "patient", "graph")
    wait_for(folder / "manifest.json")
    doomed, third = start(files, folder, "doomed", "graph"), start(files, folder, "patient", "graph")
    wait_for(folder.with_name("held"))
    doomed.kill()
    assert ended(first) == ended(third) == 0 and ended(doomed) == -signal.SIGKILL
    assert content(folder) == alone


LAUNCHERS = {
    "torchrun": "torch.distributed.run --standalone --nproc-per-node 2 --max-restarts 1",
    # Its way to several processes on one machine is called multi_gpu, without one too.
    "accelerate": "accelerate.commands.launch --multi_gpu --num_processes 2 --num_machines 1 --max_restarts 1 "
    "--mixed_precision no --dynamo_backend no",
}


@pytest.mark.slow
@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_a_launcher_starts_all_again_when_one_is_killed(files, alone, tmp_path, launcher):
    folder = tmp_path / "run"
    command = [sys.executable, "-m", *LAUNCHERS[launcher].split(), "-m", "tests.sharing_worker"]
    command += [str(files), str(folder), "suicidal", "gradients"]
    root = Path(__file__).parents[1]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=4 * PATIENCE)
    assert done.returncode == 0, done.stderr
    assert folder.with_name("held").exists()  # one did die
    assert len(list(tmp_path.glob("said-suicidal-*"))) == 2
    assert content(folder) == alone


def test_every_shard_is_worked_on_once_at_a_time(tmp_path):
    store = ShardStore(tmp_path / "shards", 60, 3)
    store.open()
    worked: list[int] = []

    def work(_: int, shard: int) -> None:
        worked.append(shard)
        time.sleep(0.005)
        store.write(shard, {}, {})

    threads = [threading.Thread(target=work_off, args=([store], work)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(worked) == list(range(20)) and store.absent() == []


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
    assert store.absent() == [] and len(looks) == 3
    assert store.missing() == [] and len(looks) <= 5  # once for what is damaged


def test_shards_of_a_run_that_is_finished_are_not_wanted(tmp_path):
    store = ShardStore(tmp_path / "shards", 60, 3)
    work_off([store], lambda _, shard: pytest.fail("nobody asked for it"))
    with store.claim(0) as mine:
        assert not mine
    assert not store.folder.exists()


def test_only_the_process_that_begins_replaces_a_run(files, tmp_path):
    config = shared_configuration(files)
    run = make(tmp_path / "run", files, config)
    before = content(run.folder)
    # Another leads, and has begun: this one joins, finds it complete, and leaves it as it is.
    with FileLock(tmp_path / ".run.lock"):
        assert make(tmp_path / "run", files, config, overwrite=True).complete
        with pytest.raises(InputError, match=r"lora.rank: 2 -> 3"):
            make(tmp_path / "run", files, configuration(files, lora={"rank": 3}), overwrite=True)
    assert content(run.folder) == before


@pytest.mark.parametrize(
    ("section", "name", "old", "new"),
    [("graph", "neighbors", 5, 9), ("layout", "umap", False, True), ("communities", "resolution", 1.0, 2.0)],
)
def test_other_settings_are_refused_while_another_builds(finished, files, section, name, old, new):
    """Also those that a finished run may change: nobody would do it."""
    before, other = content(finished), configuration(files, **{section: {name: new}})
    with (
        FileLock(finished.with_name(".run.lock")),
        pytest.raises(InputError, match=rf"{section}.{name}: {old} -> {new}\); wait .* same command") as said,
    ):
        make(finished, files, shared_configuration(files).replace(**{section: getattr(other, section)}))
    assert "\n" not in str(said.value) and content(finished) == before


@pytest.mark.parametrize(
    "extras", [Extras(representations=True), Extras(ensemble=EnsembleConfig(members=2, epochs=2))]
)
def test_extras_that_the_leading_process_does_not_make_are_added_when_it_has_ended(
    finished, files, monkeypatch, extras
):
    config, lead, said = shared_configuration(files), FileLock(finished.with_name(".run.lock")), []
    lead.acquire()
    monkeypatch.setattr(time, "sleep", lambda seconds: lead.release())  # ends while the other waits
    run = make(finished, files, config, extras=extras, said=said)
    assert extras.among(run.manifest.stages) and run.check() == []
    assert any("leading" in line for line in said)
    # Where it makes them, too, there is nothing to wait for.
    said.clear()
    with lead:
        monkeypatch.setattr(time, "sleep", lambda seconds: pytest.fail("waits"))
        make(finished, files, config, extras=extras, said=said)
    assert not any("leading" in line for line in said)


def test_an_ensemble_of_other_settings_is_not_the_one_asked_for():
    ensemble = EnsembleConfig(members=2)
    made = {"ensemble": Stage(seconds=0, files={}, found={"settings": ensemble.model_dump()})}
    assert Extras(ensemble=ensemble).among(made) and Extras().among({})
    assert not Extras(ensemble=ensemble.replace(members=3)).among(made)
    assert not Extras(ensemble=ensemble, representations=True).among(made)


def test_torchrun_does_not_replace_a_run_again_when_it_starts_all_again(files, tmp_path, monkeypatch):
    config = shared_configuration(files)
    run = make(tmp_path / "run", files, config)
    written = (run.folder / "manifest.json").stat().st_mtime_ns
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    make(tmp_path / "run", files, config, overwrite=True)
    assert (run.folder / "manifest.json").stat().st_mtime_ns == written


@pytest.mark.parametrize(("variable", "rank"), [("LOCAL_RANK", "5"), ("SLURM_LOCALID", "1"), (None, "")])
def test_each_process_of_a_machine_takes_a_gpu_of_its_own(files, monkeypatch, variable, rank):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **options: True)
    for name in ("LOCAL_RANK", "SLURM_LOCALID"):
        monkeypatch.delenv(name, raising=False)
    if variable:
        monkeypatch.setenv(variable, rank)
    model = configuration(files).model.replace(device="auto")
    assert inspect_model(model).device == ("cuda:1" if variable else "cuda")
