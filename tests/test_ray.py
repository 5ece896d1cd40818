"""Workers of Ray on a cluster of three machines, all of them this one: the same bytes as one process, whatever dies."""

import os
import shlex
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from g2is.config import EngineConfig
from g2is.config.commands import build_command
from g2is.engine.base import Receipt, missing_items
from g2is.engine.choose import make_engine
from g2is.engine.local import LocalEngine
from g2is.errors import InputError
from g2is.pipeline import progress
from g2is.pipeline.extras import Extras
from g2is.run.run import Run
from tests.ray_worker import Numbers
from tests.test_pipeline import configuration, content, make
from tests.test_searching import prepared, same, searchable, worker_of
from tests.tiny import save_tiny_model, write_pool

ray = pytest.importorskip("ray", reason='needs Ray: pip install ".[cluster]"')

PATIENCE = 400
FAST = {
    "health_check_initial_delay_ms": 0,
    "health_check_period_ms": 500,
    "health_check_failure_threshold": 3,
}


class Bar:
    """Counts rows, and the most workers at a time."""

    def __init__(self) -> None:
        self.n, self.most = 0, 0

    def update(self, n: float = 1) -> None:
        self.n += n

    def workers(self, count: int) -> None:
        self.most = max(self.most, count)


@pytest.fixture(scope="module")
def cluster():
    """A head without processors, and two machines with one each."""
    from ray.cluster_utils import Cluster

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    # Workers import from where the tests do.
    os.environ["PYTHONPATH"] = os.pathsep.join(
        [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    )
    small = {"object_store_memory": 100 * 2**20}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "_system_config": FAST, **small})
    cluster.small = small
    for _ in range(2):
        cluster.add_node(num_cpus=1, **small)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


@pytest.fixture
def engine(cluster):
    engine = make_engine(EngineConfig(address=cluster.address, shard_minutes=0.25), "cpu")
    yield engine
    engine.close()


def numbers(folder: Path, count: int, **faults: str) -> Numbers:
    worker = Numbers(folder, count, {int(shard[1:]): fault for shard, fault in faults.items()})
    worker.stores[0].open()
    return worker


def squares(worker: Numbers) -> list[int]:
    return np.concatenate([*worker.stores[0].blocks("squares")]).tolist()


@pytest.mark.slow
def test_all_items_are_written_once_by_both_machines(engine, tmp_path):
    worker, bar = numbers(tmp_path, 58, s0="meets", s3="small"), Bar()
    told: list[Receipt] = []
    receipts = engine.map(worker, missing_items(worker.stores), bar, told.append)
    assert sorted(receipt.item.shard for receipt in receipts) == list(range(12)) and bar.n == 58
    assert told == receipts
    assert squares(worker) == [row**2 for row in range(58)]
    assert len(list(tmp_path.glob("began-*"))) == 12
    assert bar.most == 2
    assert missing_items(worker.stores) == [] and engine.map(worker, [], Bar()) == []


@pytest.mark.slow
def test_what_kills_its_process_each_time_is_set_aside_and_a_hung_worker_is_replaced(engine, tmp_path):
    worker, bar = numbers(tmp_path, 40, s1="dies", s2="raises", s4="hangs"), Bar()
    told: list[Receipt] = []
    receipts = engine.map(worker, missing_items(worker.stores), bar, told.append)
    aside = {receipt.item.shard: receipt.reason for receipt in receipts if receipt.reason}
    assert told == [receipt for receipt in receipts if not receipt.reason] and len(told) == 6
    assert aside == {
        1: "computing it failed 3 times, its worker died",
        2: r"computing it failed 3 times, ArithmeticError: no such",
    }
    expected = [0 if row // 5 in aside else row**2 for row in range(40)]
    assert squares(worker) == expected
    assert set(worker.stores[0].notes()) == {*range(5, 15)}
    began = [len(list(tmp_path.glob(f"began-{shard}-*"))) for shard in range(8)]
    # Once more if it died beside another that was being written, since nobody knows which of them it was.
    assert began[1] in (3, 4) and began[2] == 3 and began[4] == 2
    assert all(count <= 2 for shard, count in enumerate(began) if shard not in (1, 2))


@pytest.mark.slow
def test_a_shard_is_not_blamed_for_what_kills_its_process_while_it_is_written(cluster, tmp_path):
    worker = numbers(tmp_path, 10, s0="lingers", s1="dies")
    engine = make_engine(EngineConfig(address=cluster.address, workers=1), "cpu")
    try:
        receipts = engine.map(worker, missing_items(worker.stores), Bar())
    finally:
        engine.close()
    assert [receipt.item.shard for receipt in receipts if receipt.reason] == [1]
    assert squares(worker)[:5] == [row**2 for row in range(5)]
    assert [len(list(tmp_path.glob(f"began-{shard}-*"))) for shard in (0, 1)] == [2, 4]


@pytest.mark.slow
def test_an_error_of_the_user_and_an_error_in_all_items_end_the_map(engine, tmp_path):
    wrong = numbers(tmp_path / "wrong", 40, s3="wrong")
    with pytest.raises(InputError, match=r"^pool: has no numbers$"):
        engine.map(wrong, missing_items(wrong.stores), Bar())
    broken = numbers(tmp_path / "broken", 40, **{f"s{shard}": "raises" for shard in range(8)})
    with pytest.raises(InputError, match="3 shards failed and 0 did not; the last: ArithmeticError: no such"):
        engine.map(broken, missing_items(broken.stores), Bar())


@pytest.mark.slow
def test_the_items_of_a_machine_that_dies_go_to_the_others(engine, cluster, tmp_path):
    worker, bar = numbers(tmp_path, 40, s0="waits", s1="waits"), Bar()
    doomed = next(iter(cluster.worker_nodes))

    def kill() -> None:
        while not {0, 1} <= {int(path.name.split("-")[1]) for path in tmp_path.glob("began-*")}:
            time.sleep(0.05)
        cluster.remove_node(doomed, allow_graceful=False)
        (tmp_path / "go").touch()

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        receipts = engine.map(worker, missing_items(worker.stores), bar)
    finally:
        (tmp_path / "go").touch()
        killer.join(PATIENCE)
        cluster.add_node(num_cpus=1, **cluster.small)
    assert not any(receipt.reason for receipt in receipts) and bar.n == 40
    assert squares(worker) == [row**2 for row in range(40)]


@pytest.mark.slow
def test_a_build_whose_driver_is_killed_ends_with_the_bytes_of_one_process(cluster, tmp_path):
    save_tiny_model(tmp_path / "model")
    write_pool(tmp_path / "pool.jsonl", 40)
    write_pool(tmp_path / "target.jsonl", 6, seed=1)
    config = configuration(tmp_path, gradients={"projection_dim": 64, "shard_size": 4, "batch_tokens": 256})
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sums split over more threads round differently
    alone = content(make(tmp_path / "alone", tmp_path, config, extras=Extras(representations=True)).folder)
    torch.set_num_threads(threads)
    words = build_command(config, "run", ["pool.jsonl"], [("words", "target.jsonl")], cache=".")
    program = [sys.executable, "-m", "g2is", *shlex.split(words)[1:], "--address", cluster.address]
    driver = subprocess.Popen([*program, "--extras", "representations"], cwd=tmp_path, stderr=subprocess.PIPE)
    shards, deadline = tmp_path / "run/building/gradients", time.monotonic() + PATIENCE
    while len(list(shards.glob("*-*.safetensors"))) < 2:
        assert driver.poll() is None, driver.stderr.read().decode()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    driver.kill()
    driver.wait()
    done = subprocess.run(
        [*program, "--extras", "representations"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "run run is complete" in done.stderr
    assert content(tmp_path / "run") == alone
    assert Run.open(tmp_path / "run").check() == []


@pytest.mark.slow
def test_approximate_lists_are_searched_for_by_both_machines(engine, tmp_path):
    rows = searchable(tmp_path)
    worker, bar = worker_of(tmp_path), Bar()
    prepared(worker)
    engine.map(worker, missing_items(worker.stores), bar)
    assert bar.n == int(rows.any(axis=1).sum()) and missing_items(worker.stores) == []
    same(rows, worker)


@pytest.mark.slow
def test_a_function_is_called_in_another_process(engine):
    assert engine.call(os.getpid) != os.getpid()
    with pytest.raises(InputError, match=r"^device = 'nowhere': not available here"):
        engine.call(_device, "nowhere")


@pytest.mark.slow
def test_the_bar_of_a_function_in_another_process_is_shown_here(engine, tmp_path, capsys):
    path, go = tmp_path / ".run.progress.json", tmp_path / "go"
    with progress.Follower(path, print, 3600) as follower:

        def look() -> None:
            follower.look()
            if progress.Progress.read(path):
                go.touch()

        assert engine.call(_steps, path, go, meanwhile=look) != os.getpid()
    assert "warm-up: 100%" in (err := capsys.readouterr().err) and "4/4" in err and "loss=0.250" in err


def _steps(path: Path, go: Path) -> int:
    """Take steps once the driver has seen the file, slowly enough for it to see some of them."""
    with progress.Bar(path, "warm-up", 4, "step") as bar:
        while not go.exists():
            time.sleep(0.05)
        for step in range(4):
            time.sleep(1.5)
            bar.step(1 / (step + 1))
    return os.getpid()


def _device(name: str) -> None:
    raise InputError(f"device = {name!r}: not available here")


def test_one_process_needs_no_ray_and_what_is_for_ray_alone_is_refused(monkeypatch):
    assert isinstance(make_engine(EngineConfig(), "auto"), LocalEngine)
    with pytest.raises(InputError, match="workers: is for --engine ray"):
        make_engine(EngineConfig(workers=2), "auto")
    with pytest.raises(InputError, match="device = 'cuda:1': Ray gives each worker its own"):
        make_engine(EngineConfig(engine="ray"), "cuda:1")
    with pytest.raises(InputError, match=r"address = '127\.0\.0\.1:1'"):
        make_engine(EngineConfig(address="127.0.0.1:1"), "cpu")
    monkeypatch.setattr("g2is.engine.choose.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r'not installed; pip install "\.\[cluster\]"'):
        make_engine(EngineConfig(engine="ray"), "auto")
