"""The progress that a build writes for pages: whole, bounded, gone at the end."""

import math
import random

import pytest

from g2is.pipeline import progress
from g2is.pipeline.progress import Bar, Progress
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


def test_a_process_that_helps_writes_nothing(tmp_path, capsys):
    with Bar(None, "gradients", 40, "sample") as bar:
        bar.update(40)
    assert not list(tmp_path.iterdir()) and not capsys.readouterr().err


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
