"""The progress that a build writes for pages: whole, bounded, gone at the end."""

import math
import random
import re

import pytest

from g2is.pipeline import progress
from g2is.pipeline.progress import Bar, Follower, Progress
from g2is.run.paths import progress_path
from tests.test_faults import files, imported

__all__ = ["files"]  # the fixture


@pytest.fixture
def clock(monkeypatch):
    """A clock that moves only as it is told."""
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setattr("tqdm.std.time", lambda: now[0])
    return now


def test_a_bar_writes_count_rate_and_time_left_at_intervals(tmp_path, clock):
    path = tmp_path / ".run.progress.json"
    with Bar(path, "gradients", 40, "sample") as bar:
        assert Progress.read(path) == Progress(stage="gradients", total=40, unit="sample")
        for _ in range(20):
            clock[0] += progress.INTERVAL / 4
            bar.update()
            assert bar.n - Progress.read(path).done < 4  # not each of them is written
    found = Progress.read(path)
    assert found.done == 20 and found.share == 0.5
    assert found.per_second == pytest.approx(4 / progress.INTERVAL)
    assert found.seconds_left == pytest.approx(20 / found.per_second)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_clock_that_jumps_leaves_numbers_that_can_be_read(tmp_path, clock):
    jumps = random.Random(0)
    path = tmp_path / ".run.progress.json"
    with Bar(path, "graph", 0, "sample") as bar:
        for _ in range(50):
            clock[0] += jumps.uniform(-1e9, 1e9)
            bar.update(jumps.randrange(-3, 5))
            read = Progress.read(path)
            assert read and 0 <= read.share <= 1 and math.isfinite(read.seconds_left or 0)


def test_the_last_of_a_bar_is_written_at_once(tmp_path, clock):
    path = tmp_path / ".run.progress.json"
    with Bar(path, "warm-up", 2, "step") as bar:
        bar.step(3.0)
        bar.step(2.0)
    assert Progress.read(path).done == 2 and Progress.read(path).note == "loss=2.000"


def shown(err: str) -> list[str]:
    """The bars that a terminal was shown, without the time since they began."""
    return re.findall(r"[a-z-]+: +\d+%\|.*?\]", re.sub(r"\[[\d:]+<", "[", err))


def test_the_bar_of_another_process_is_shown_and_not_written(tmp_path, clock, capsys):
    path, said = tmp_path / ".run.progress.json", []
    Progress(stage="warmup").write(path)  # before there is a bar
    with Bar(path, "warm-up", 8, "step") as bar, Follower(path, said.append, 3600) as follower:
        capsys.readouterr()
        for step in range(8):
            clock[0] += 2
            bar.step(4 - step / 4)
            drawn = shown(capsys.readouterr().err)
            before = path.read_bytes()
            follower.look()
            assert path.read_bytes() == before
            followed = shown(capsys.readouterr().err)
            # At the first look its bar begins, and is not a second old.
            assert followed == (drawn[-1:] if step else [])
        Progress(stage="warm-up", done=5, total=8, unit="step").write(path)  # begun again elsewhere
        follower.look()
        clock[0] += 2
        Progress(stage="warm-up", done=6, total=8, unit="step").write(path)
        follower.look()
    assert any("6/8" in line for line in shown(capsys.readouterr().err)) and not said
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_nothing_is_shown_of_a_file_that_is_not_there_or_says_no_count(tmp_path, clock, capsys):
    path, said = tmp_path / ".run.progress.json", []
    for what in ("", '{"stage": "warmup"}', "{"):
        if what:
            path.write_text(what)
        with Follower(path, said.append, 3600) as follower:
            for _ in range(3):
                clock[0] += 2
                follower.look()
    assert not capsys.readouterr().err and not said


def test_progress_that_does_not_move_is_said_once_until_it_moves(tmp_path, clock):
    path, said = tmp_path / ".run.progress.json", []
    follower = Follower(path, said.append, 1200)
    for done, counts in ((3, [0, 0, 1, 1]), (4, [1, 1, 2, 2])):
        Progress(stage="warm-up", done=done, total=8, unit="step").write(path)
        for count in counts:
            follower.look()
            assert len(said) == count
            clock[0] += 700
    assert said[0].startswith("warm-up: no progress seen for 20 minutes; if it hangs, stop the build")


def test_a_full_disk_for_the_progress_does_not_stop_a_build(tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    Progress(stage="graph").write(tmp_path / "file")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("stopped", [False, True])
def test_progress_goes_with_the_build_and_is_no_part_of_the_run(files, tmp_path, stopped):
    folder, path, seen = tmp_path / "run", progress_path(tmp_path / "run"), []

    def say(line: str) -> None:
        seen.append(Progress.read(path).stage)
        if stopped and len(seen) == 2:
            raise KeyboardInterrupt

    if stopped:
        with pytest.raises(KeyboardInterrupt):
            imported(folder, files, say=say)
    else:
        run = imported(folder, files, say=say)
        assert not [name for name in run.manifest.files if "progress" in name]
        assert {"instructions", "communities"} <= set(seen)
    assert seen and not list(tmp_path.rglob("*progress*"))
