"""What is written is whole or absent, whatever fails; what is read is a file of a bounded size."""

import errno
import os
import resource
import shlex
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from g2is.app.shared.jobs import Job
from g2is.engine.lock import exclusive
from g2is.errors import InputError
from g2is.run.saving import saving
from g2is.storage.files import (
    STALE,
    Taken,
    not_written,
    open_file,
    read_small,
    sha256,
    sweep_stale,
    write_bytes,
    write_file,
)
from g2is.storage.tables import read_frame


@pytest.fixture
def full_disk():
    """No file may become larger than 8 kB: as a full disk, but for this process only."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def write_by_igraph(path: Path) -> None:
    import igraph

    graph = igraph.Graph.Full(60)
    write_file(path, lambda file: graph.write_graphml(file))


def write_by_torch(path: Path) -> None:
    import torch

    write_file(path, lambda file: torch.save(torch.zeros(10_000), file))


def write_by_arrow(path: Path) -> None:
    import pandas as pd

    frame = pd.DataFrame({"a": np.random.default_rng(0).normal(size=10_000)})
    write_file(path, lambda file: frame.to_parquet(file))


@pytest.mark.parametrize(
    "write", [write_by_igraph, write_by_torch, write_by_arrow, lambda path: write_bytes(path, bytes(9000))]
)
def test_a_disk_that_fills_is_one_line_whichever_library_writes(tmp_path, full_disk, write):
    with pytest.raises(InputError, match=r"^[^\n]*/file: could not be written: File too large; [^\n]*$"):
        write(tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


def test_the_remedy_for_a_full_disk_is_space_though_numpy_gives_no_number():
    for error in (OSError(errno.ENOSPC, "No space left"), OSError("Not enough free space to write 8 bytes")):
        assert "; free some space, then run the same command again" in str(not_written("array.npy", error))


@pytest.mark.parametrize("links", [True, False])
def test_a_new_file_replaces_nothing_however_late_that_came(tmp_path, monkeypatch, links):
    path = tmp_path / "file"
    if not links:

        def none(*paths: Path) -> None:
            raise OSError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr(os, "link", none)
    write_bytes(path, b"mine", new=True)
    assert path.read_bytes() == b"mine" and list(tmp_path.iterdir()) == [path]
    path.unlink()
    with pytest.raises(Taken, match=r"exists; replace it with --overwrite"):
        write_file(path, lambda file: path.write_bytes(b"theirs"), new=True)
    assert path.read_bytes() == b"theirs" and list(tmp_path.iterdir()) == [path]
    write_bytes(path, b"mine")
    assert path.read_bytes() == b"mine" and list(tmp_path.iterdir()) == [path]


def test_a_fault_that_is_not_the_disks_stays_what_it_is_and_leaves_nothing(tmp_path):
    def fail(file):
        file.write(b"half")
        raise KeyError("a fault in the program")

    def stop(file):
        raise KeyboardInterrupt

    for write, error in ((fail, KeyError), (stop, KeyboardInterrupt)):
        with pytest.raises(error):
            write_file(tmp_path / "file", write)
    assert list(tmp_path.iterdir()) == []


def test_many_threads_may_write_one_name(tmp_path):
    path, errors = tmp_path / "file", []
    contents = [bytes([65 + number]) * 5000 for number in range(8)]

    def write(content: bytes) -> None:
        try:
            for _ in range(10):
                write_bytes(path, content)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors and path.read_bytes() in contents and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("what", ["pipe", "device", "folder"])
def test_only_files_are_read_and_nothing_waits(tmp_path, what):
    path = tmp_path / "a.parquet"
    if what == "pipe":
        os.mkfifo(path)
    elif what == "device":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()
    for read in (open_file, sha256, read_frame, lambda path: read_small(path, 100)):
        with pytest.raises(InputError, match="expected a file"):
            read(path)


def test_a_build_is_not_started_where_it_could_not_be_cancelled(tmp_path, monkeypatch):
    """On a full disk its number cannot be written."""
    job, mark = Job(tmp_path / "cache", "build"), tmp_path / "mark"
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / ".build.pid").write_text(str(os.getpid()))

    def full(path, data):
        raise InputError(f"{path}: could not be written: No space left on device; free some space")

    monkeypatch.setattr("g2is.app.shared.jobs.write_bytes", full)
    with pytest.raises(InputError, match="No space left"):
        job.start(["sh", "-c", f"sleep 5; touch {mark}"])
    assert not (tmp_path / "cache" / ".build.pid").exists(), "an old number may be another process's"
    job.cancel()
    for _ in range(100):
        if not job.running():
            break
        threading.Event().wait(0.05)
    assert not job.running() and not mark.exists()


def test_a_build_button_says_that_the_folder_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(InputError, match=r"could not be written: (Not a directory|File exists)"):
        Job(tmp_path / "file", "build").start(["true"])
    os.mkfifo(tmp_path / ".build.log")
    with pytest.raises(InputError, match="is a device or a pipe"):
        Job(tmp_path, "build").start(["true"])
    assert not Job(tmp_path, "build").running() and Job(tmp_path, "build").log_lines() == []


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    from tests.app.tiny_run import make_run

    return make_run(tmp_path_factory.mktemp("commands") / "tiny").folder


def walked(folder: Path, *more: str, **options):
    words = [sys.executable, "-m", "g2is", "walk", str(folder), "--count", "5", *more]
    return subprocess.Popen(
        words, stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1], **options
    )


def test_output_that_nobody_takes_is_no_traceback(run_folder):
    reader, writer = os.pipe()
    os.close(reader)
    closed = walked(run_folder, stdout=writer)
    with Path("/dev/full").open("w") as full:
        no_space = walked(run_folder, stdout=full)
        words = ["-m", "g2is", "--help"]
        root = Path(__file__).parents[1]
        helped = subprocess.Popen(
            [sys.executable, *words], stdout=full, stderr=subprocess.PIPE, text=True, cwd=root
        )
    shell = f"{shlex.join([sys.executable, '-m', 'g2is', 'selection', 'list', str(run_folder)])} >&- "
    assert subprocess.run(["sh", "-c", f"{shell} 2>&-"], cwd=root, timeout=120).returncode == 0
    said = [process.communicate(timeout=120)[1] for process in (closed, no_space, helped)]
    assert [closed.returncode, no_space.returncode, helped.returncode] == [141, 2, 2]
    assert "Traceback" not in "".join(said) and said[1] == said[2]
    assert (
        said[1] == "error: standard output: could not be written: No space left on device; free some space\n"
    )


def test_a_stopped_command_ends_with_130_and_one_line_at_any_moment(run_folder):
    processes = [walked(run_folder, stdout=subprocess.DEVNULL) for _ in range(4)]
    for number, process in enumerate(processes):
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.6 + 0.4 * number)
        process.send_signal(signal.SIGINT)
    for process in processes:
        said = process.communicate(timeout=120)[1]
        if process.returncode != 0:  # on a fast machine it was done
            assert process.returncode == 130, said
            assert said.endswith("stopped; the same command resumes from here\n") and "Traceback" not in said


def test_a_command_that_is_stopped_within_an_exec_ends_with_130():
    program = """
import signal, sys, types
from g2is.__main__ import entry
signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background it may be ignored
sys.modules["g2is.cli"] = types.ModuleType("g2is.cli")
sys.modules["g2is.cli"].main = lambda _: exec("import os; os.kill(os.getpid(), 2)")
entry()
"""
    stopped = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (stopped.returncode, stopped.stderr) == (130, "stopped; the same command resumes from here\n")


def test_where_nothing_can_be_written_nothing_is_computed(run_folder, capsys, tmp_path):
    from g2is.__main__ import main

    (tmp_path / "file").write_text("no folder")
    output = str(tmp_path / "file" / "one.json")
    assert main(["walk", str(run_folder), "--count", "5", "--output", output]) == 2
    said = capsys.readouterr()
    assert said.out == "" and "could not be written: Not a directory" in said.err


def test_a_folder_where_nothing_can_be_written_is_named_itself(run_folder, monkeypatch, capsys):
    from g2is.__main__ import main

    def full(**options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("g2is.storage.files.TemporaryFile", full)
    assert main(["walk", str(run_folder), "--count", "5"]) == 2
    assert "/selections: could not be written: No space left on device; free some" in capsys.readouterr().err


def test_what_killed_processes_left_is_swept_and_nothing_else(tmp_path):
    gone = subprocess.Popen(["true"])
    gone.wait()
    here, there = os.getpid(), gone.pid
    swept = [
        f".a.json.{there}-77.tmp",
        f".a.json.{there}.tmp",
        f".e.{there}-0f1e2d3c4b5a.new",
        ".e.0f1e2d3c4b5a.new",
    ]
    kept = [f".b.json.{here}-77.tmp", "a.json", ".a.lock", ".demo.build.log", "x.tmp", f".{there}.tmp", "e"]
    old = [f".e.{there}-0f1e2d3c4b5a.old", f".f.{there}-0f1e2d3c4b5a.old"]
    young = f".c.json.{there}-77.tmp"
    for name in (*swept, *kept, *old, young):
        if name.endswith((".new", ".old")) or name == "e":
            (tmp_path / name).mkdir()
            (tmp_path / name / "data.jsonl").write_text(name)
        else:
            (tmp_path / name).write_text("half")
        if name != young:
            os.utime(tmp_path / name, (time.time() - STALE - 9,) * 2)
    sweep_stale(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {*kept, young, "f"}
    assert (tmp_path / "e" / "data.jsonl").read_text() == "e", "a finished export replaced the old one"
    assert (tmp_path / "f" / "data.jsonl").read_text() == old[1], (
        "the old one comes back where there is no new one"
    )
    sweep_stale(tmp_path / "nowhere")


def test_whoever_saves_sweeps_where_anyone_saves(tmp_path):
    gone = subprocess.Popen(["true"])
    gone.wait()
    run = tmp_path / "cache" / "demo"
    left = f".{gone.pid}-77.tmp"
    stray = [
        f"../..demo.build.pid{left}",
        f".manifest.json{left}",
        f"notes/selections/.less-150.txt{left}",
        f"evaluations/.test.{gone.pid}-0f1e2d3c4b5a.old",
        f"exports/.a.{gone.pid}-0f1e2d3c4b5a.new",
    ]
    for path in (run / name for name in stray):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir() if path.name.endswith((".old", ".new")) else path.write_text("half")
        os.utime(path, (time.time() - STALE - 9,) * 2)
    with saving(run):
        pass
    assert [name for name in stray if (run / name).exists()] == []
    (path := tmp_path / "cache" / f"..demo.build.pid{left}").write_text("1")
    os.utime(path, (time.time() - STALE - 9,) * 2)
    with exclusive(run):
        assert not path.exists()
