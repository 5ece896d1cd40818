"""What befalls a build and a run's files: each fault is caused, and nothing is lost.

G2IS_KILLS=30 python -m pytest tests/test_faults.py -k random
"""

import multiprocessing
import os
import random
import resource
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from g2is.__main__ import main
from g2is.analysis import walks
from g2is.config import GraphConfig, ImportConfig, LayoutConfig, walk_preset
from g2is.errors import InputError
from g2is.pipeline.imported import import_run
from g2is.pipeline.inputs import Target
from g2is.run.manifest import Manifest
from g2is.run.paths import MANIFEST, MANIFEST_COPY
from g2is.run.run import Run
from g2is.run.selections import save_walk
from g2is.storage import files as g2is_files
from tests.test_pipeline import configuration, content, make
from tests.tiny import save_tiny_model, write_pool

KILLS = int(os.environ.get("G2IS_KILLS", "5"))
COUNT, DIM = 30, 12


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    save_tiny_model(folder / "model")
    write_pool(folder / "pool.jsonl", COUNT)
    write_pool(folder / "target.jsonl", 6, seed=1)
    numbers = np.random.default_rng(0)
    np.save(folder / "train.npy", numbers.normal(size=(COUNT, DIM)).astype(np.float32))
    np.save(folder / "validation.npy", numbers.normal(size=(6, DIM)).astype(np.float32))
    return folder


@pytest.fixture(scope="module")
def processes():
    """Processes that have the libraries loaded already, so that one costs no more than its build."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "peft", "sklearn.decomposition", "pyarrow.parquet"])
    return context


def imported(folder: Path, files: Path, neighbors: int = 5, **options) -> Run:
    """A run without a model, which has all that the pages need: a fraction of a second."""
    return import_run(
        folder,
        ImportConfig(
            graph=GraphConfig(neighbors=neighbors, conflicts=3), layout=LayoutConfig(umap=False), regime="sgd"
        ),
        [files / "pool.jsonl"],
        [files / "train.npy"],
        [Target("words", files / "validation.npy")],
        say=options.pop("say", lambda line: None),
        **options,
    )


@pytest.fixture(scope="module")
def whole(files, tmp_path_factory) -> Run:
    return imported(tmp_path_factory.mktemp("cache") / "run", files)


@pytest.fixture
def run(whole, tmp_path) -> Run:
    """A copy to damage."""
    return Run.open(shutil.copytree(whole.folder, tmp_path / "cache" / "run"))


# Killed


def build_in_child(folder: Path, files: Path, ready: Path) -> None:
    ready.touch()
    make(folder, files, configuration(files, gradients={"shard_size": 4}))


def started(processes, folder: Path, files: Path, ready: Path) -> tuple[multiprocessing.Process, float]:
    """A build in a process of its own, once it has begun, and when that was."""
    ready.unlink(missing_ok=True)
    process = processes.Process(target=build_in_child, args=(folder, files, ready))
    process.start()
    while not ready.exists():
        assert process.is_alive() or process.exitcode == 0
        time.sleep(0.001)
    return process, time.monotonic()


@pytest.fixture(scope="module")
def undisturbed(files, tmp_path_factory, processes) -> tuple[dict[str, bytes], float]:
    """What a build writes that nobody disturbs, and the seconds it takes: the second time, when all is loaded."""
    for turn in range(2):
        folder = tmp_path_factory.mktemp(f"undisturbed{turn}")
        process, begun = started(processes, folder / "run", files, folder / "ready")
        process.join()
        seconds = time.monotonic() - begun
        assert process.exitcode == 0
    return content(folder / "run"), seconds


@pytest.mark.slow
def test_a_build_killed_at_random_moments_ends_with_the_same_bytes(undisturbed, files, tmp_path, processes):
    """Each at a random moment of what an undisturbed build takes, until so many kills did not come too late."""
    expected, seconds = undisturbed
    ready = tmp_path / "ready"
    moments = random.Random(7)
    killed = 0
    while killed < KILLS:
        folder = tmp_path / f"run{killed}"
        process, begun = started(processes, folder, files, ready)
        # Some runs are killed twice before they may finish.
        for _ in range(1 + killed % 2):
            time.sleep(max(0.0, moments.uniform(0, seconds) - (time.monotonic() - begun)))
            process.kill()
            process.join()
            killed += process.exitcode == -signal.SIGKILL
            process, begun = started(processes, folder, files, ready)
        process.join()
        assert process.exitcode == 0
        assert content(folder) == expected
        assert Run.open(folder).check() == [] and not list(folder.rglob("*.tmp"))


@pytest.mark.parametrize(
    "moment",
    [
        *("manifest.json", "building/warmup-*", "building/shards", "building/gradients/sgd.npy"),
        "sgd/gradients.npy",
    ],
)
def test_a_build_killed_at_a_given_moment_ends_with_the_same_bytes(
    undisturbed, files, tmp_path, processes, moment
):
    folder = tmp_path / "run"
    process, _ = started(processes, folder, files, tmp_path / "ready")
    while process.is_alive() and not any(folder.glob(moment)):
        time.sleep(0.0005)
    process.kill()
    process.join()
    assert folder.exists()
    process, _ = started(processes, folder, files, tmp_path / "ready")
    process.join()
    assert process.exitcode == 0 and content(folder) == undisturbed[0]


# No space


def build_on_small_disk(folder: Path, files: Path, limit: int, log: Path) -> None:
    """As if a disk took files of so many bytes and no more: the kernel refuses to write on."""
    handle = os.open(log, os.O_WRONLY | os.O_CREAT)
    os.dup2(handle, 2)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    sys.exit(main(arguments(folder, files)))


def arguments(folder: Path, files: Path) -> list[str]:
    return [
        *("import", "--cache", str(folder.parent), "--run", folder.name, "--regime", "sgd"),
        *("--train", str(files / "pool.jsonl"), "--train-gradients", str(files / "train.npy")),
        *("--validation-gradients", f"words={files / 'validation.npy'}"),
        *("--neighbors", "5", "--conflicts", "3", "--umap", "off"),
    ]


@pytest.mark.parametrize("limit", [1000, 4000])
def test_a_disk_that_takes_no_more_is_one_line_and_nothing_half_written(
    whole, files, tmp_path, processes, limit
):
    folder, log = tmp_path / "run", tmp_path / "log"
    process = processes.Process(target=build_on_small_disk, args=(folder, files, limit, log))
    process.start()
    process.join()
    assert process.exitcode == 2
    said = [line for line in log.read_text().splitlines() if line.startswith("error: ")]
    assert len(said) == 1 and "could not be written" in said[0] and "run the same command again" in said[0]
    assert "Traceback" not in log.read_text()
    assert not list(tmp_path.rglob("*.tmp"))
    assert content(imported(folder, files).folder) == content(whole.folder)


@pytest.mark.parametrize("call", ["fsync", "rename"])
def test_a_disk_full_at_any_moment_loses_nothing(whole, files, tmp_path, monkeypatch, call):
    """Each time a few writes later; what was finished before stays."""
    folder = tmp_path / "run"
    left = [0]

    def failing(real: Callable) -> Callable:
        def write(*arguments, **options):
            left[0] -= 1
            if left[0] == 0:
                raise OSError(28, "No space left on device")
            return real(*arguments, **options)

        return write

    place, name = (g2is_files.os, "fsync") if call == "fsync" else (Path, "replace")
    monkeypatch.setattr(place, name, failing(getattr(place, name)))
    refused = 0
    for writes in range(1, 60, 4):
        left[0] = writes
        try:
            run = imported(folder, files)
            break
        except InputError as error:
            refused += 1
            assert "\n" not in str(error) and "free some space" in str(error)
            assert not list(tmp_path.rglob("*.tmp"))
    assert refused >= 4
    assert content(run.folder) == content(whole.folder) and run.check() == []


def test_a_disk_that_takes_no_more_files_is_one_line_at_any_moment(whole, files, tmp_path, monkeypatch):
    """As where all inodes are taken: each time a few locks and folders later."""
    folder = tmp_path / "cache" / "run"
    left = [0]

    def failing(real: Callable) -> Callable:
        def make(path, *arguments, **options):
            new = real is os.mkdir or (arguments and arguments[0] & os.O_CREAT)
            if new and not Path(path).exists():
                left[0] -= 1
                if left[0] == 0:
                    raise OSError(28, "No space left on device", str(path))
            return real(path, *arguments, **options)

        return make

    for name in ("open", "mkdir"):
        monkeypatch.setattr(os, name, failing(getattr(os, name)))
    refused = []
    for makes in range(1, 60):
        left[0] = makes
        try:
            imported(folder, files)
        except InputError as error:
            refused.append(str(error))
            assert "\n" not in str(error) and "No space left on device; free some space" in str(error)
            assert content(imported(folder, files).folder) == content(whole.folder)
        if left[0] > 0:
            break
        shutil.rmtree(folder.parent)
    for made in ("cache", ".run.lock", "graph-sgd-5-3-by-1024"):
        assert any(f"{made}: could not be written" in said for said in refused)


@pytest.mark.parametrize("place", [".run.lock", "run/evaluations/.test.lock"])
def test_a_folder_in_the_place_of_a_lock_is_one_line(run, files, place, capsys):
    lock = run.folder.parent / place
    lock.mkdir(parents=True)
    words = arguments(run.folder, files)
    if "evaluations" in place:
        words = ["evaluate", str(run.folder), "--method", "full", "--test", str(files / "target.jsonl")]
    assert main(words) == 2
    assert (
        f"error: {lock}: could not be written: Is a directory; remove what is there"
        in capsys.readouterr().err
    )


def test_what_cannot_be_removed_is_one_line(run, files, monkeypatch):
    (run.folder / ".building").write_text("a file, where a folder is made way for")
    (run.folder / "sgd" / "neighbors.npy").unlink()
    with pytest.raises(
        InputError, match=r"^[^\n]*/\.building: could not be written: Not a directory; [^\n]*$"
    ):
        imported(run.folder, files)

    def busy(folder, ignore_errors=False):
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr(g2is_files.shutil, "rmtree", busy)
    with pytest.raises(InputError, match=r"^[^\n]*/run: could not be written: Device or resource busy; "):
        imported(run.folder, files, overwrite=True)


def test_a_selection_is_saved_whole_or_not_at_all(run, monkeypatch):
    path = run.folder / "selections" / "one.json"
    save_walk(path, run, walks.walk(run, walk_preset("recommended", facets=2, count=5)))
    before = content(run.folder)

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(g2is_files.os, "fsync", full)
    with pytest.raises(InputError, match="No space left"):
        save_walk(path, run, walks.walk(run, walk_preset("recommended", facets=2, count=9)))
    assert content(run.folder) == before


# Two at once


def test_of_two_builds_of_one_name_one_is_refused_and_the_other_unharmed(whole, files, tmp_path, processes):
    folder, log = tmp_path / "run", tmp_path / "log"
    refused = []

    def meanwhile(line: str) -> None:
        if not refused:
            process = processes.Process(target=build_on_small_disk, args=(folder, files, 10**9, log))
            process.start()
            process.join()
            refused.append(process.exitcode)

    run = imported(folder, files, say=meanwhile)
    assert refused == [2] and "another process is building this run" in log.read_text()
    assert content(run.folder) == content(whole.folder)


# Clocks


def test_progress_bars_bear_a_clock_that_jumps(whole, files, tmp_path, monkeypatch, capsys):
    """They alone ask for the time of day; locks are the system's, and stages are timed by a clock that cannot jump."""
    jumps = random.Random(0)
    monkeypatch.setattr("tqdm.std.time", lambda: jumps.uniform(-1e9, 1e9))
    run = imported(tmp_path / "run", files)
    assert content(run.folder) == content(whole.folder) and run.check() == []
    assert "%|" in capsys.readouterr().err  # some are shown, since more than a second seems to have passed


def test_dates_of_files_do_not_matter(run, files):
    """A copy may have dates of a clock that was wrong: nothing is damaged by them, or made again."""
    for name, when in zip((MANIFEST, *run.manifest.files), [-(10**9), 2**33] * 99, strict=False):
        os.utime(run.folder / name, (when, when))
    before = {path: path.stat().st_mtime for path in run.folder.rglob("*") if path.is_file()}
    assert Run.open(run.folder).damage() == []
    assert imported(run.folder, files).check() == []
    assert before == {path: path.stat().st_mtime for path in run.folder.rglob("*") if path.is_file()}


def test_a_change_whose_date_was_put_back_is_noticed(run):
    """Also in a run that is open and whose files were found whole."""
    assert run.damage() == []
    time.sleep(0.02)  # a tick of the system's clock
    for name in run.manifest.files:
        path = run.folder / name
        found = path.stat()
        flip(path)
        os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
        assert path.stat().st_ino == found.st_ino and path.stat().st_mtime_ns == found.st_mtime_ns
    assert len(run.damage()) == len(run.manifest.files)


# Damage


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def empty(path: Path) -> None:
    os.truncate(path, 0)


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[random.Random(path.name).randrange(len(data))] ^= 1 << 4
    path.write_bytes(data)


def replace(path: Path) -> None:
    """Another file of the kind that it should be."""
    if path.suffix == ".npy":
        np.save(path, np.load(path)[:-1])
    elif path.suffix == ".parquet":
        pd.DataFrame({"foreign": [1, 2, 3]}).to_parquet(path)
    else:
        path.write_text("{}")


def pipe(path: Path) -> None:
    """What blocks whoever opens it."""
    path.unlink()
    os.mkfifo(path)


def folder_instead(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGE = {
    "missing": Path.unlink,
    **{f.__name__: f for f in (truncate, empty, flip, replace, pipe, folder_instead)},
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_any_damage_to_any_file_is_reported_with_the_repair(run, kind, capsys):
    for name in run.manifest.files:
        DAMAGE[kind](run.folder / name)
    damaged = Run.open(run.folder)
    assert len(damaged.check()) == len(damaged.damage()) == len(run.manifest.files)
    readers = [
        *(lambda: damaged.instructions, lambda: damaged.validation, lambda: damaged.validation_gradients),
        *(lambda: damaged.regime("sgd"), lambda: damaged.layout("pca", "sgd"), lambda: damaged.leaks),
        *(lambda: damaged.communities("sgd"), lambda: damaged.spanning_forest("sgd")),
        lambda: walks.walk(damaged, walk_preset("recommended", facets=2, count=5)),
    ]
    for read in readers:
        with pytest.raises(InputError, match="repair it with: g2is import --run run --cache"):
            read()
    assert main(["verify", str(run.folder)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "g2is import --run run" in said
    assert all(str(run.folder / name) in said for name in run.manifest.files)


def test_the_same_command_repairs_all_damage(run, files, whole):
    for name, kind in zip(run.manifest.files, [*DAMAGE.values()] * 9, strict=False):
        if kind is not folder_instead:
            kind(run.folder / name)
    repaired = imported(run.folder, files)
    assert content(repaired.folder) == content(whole.folder) and repaired.check() == []


@pytest.mark.parametrize("kind", ["missing", "truncate", "empty", "flip"])
def test_a_damaged_manifest_is_repaired_from_its_copy(run, files, whole, kind, capsys):
    """The hash of the run and with it every selection stays as it was; nothing is computed again."""
    DAMAGE[kind](run.folder / MANIFEST)
    assert main(["verify", str(run.folder)]) == 2
    said = capsys.readouterr().err
    command = f"repair it with: g2is import --run run --cache {run.folder.parent} …"
    assert said.count("\n") == 1 and MANIFEST in said and f"its copy is intact, {command}" in said
    before = content(run.folder)
    times = {path: path.stat().st_mtime_ns for path in run.folder.rglob("*.npy")}
    repaired = imported(run.folder, files)
    assert content(repaired.folder) == before and repaired.hash == whole.hash
    assert times == {path: path.stat().st_mtime_ns for path in run.folder.rglob("*.npy")}
    assert Manifest.read(run.folder) == Manifest.read(run.folder, MANIFEST_COPY)


@pytest.mark.parametrize("kind", ["missing", "truncate", "folder_instead"])
def test_a_damaged_manifest_without_a_whole_copy_names_no_copy(run, kind):
    truncate(run.folder / MANIFEST)
    DAMAGE[kind](run.folder / MANIFEST_COPY)
    with pytest.raises(
        InputError, match=r"^[^\n]*manifest.json: not readable [^\n]*; build again with --overwrite$"
    ):
        Run.open(run.folder)


def test_an_edited_manifest_is_noticed(run):
    path = run.folder / MANIFEST
    path.write_text(path.read_text().replace(f'"pool": {COUNT}', f'"pool": {COUNT - 1}'))
    with pytest.raises(
        InputError, match=r"manifest.json: was changed after it was written.*its copy is intact"
    ):
        Run.open(run.folder)


def test_an_open_run_outlives_its_folder(run, tmp_path):
    parameters = walk_preset("recommended", facets=2, count=5)
    before = walks.walk(run, parameters).samples.tolist()
    run.folder.rename(tmp_path / "elsewhere")
    assert walks.walk(run, parameters.replace(bans=(before[0],))).samples.tolist() != before
    with pytest.raises(InputError, match="missing; repair it with"):
        _ = run.leaks
    assert walks.walk(Run.open(tmp_path / "elsewhere"), parameters).samples.tolist() == before
