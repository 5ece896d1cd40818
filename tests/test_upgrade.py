"""Runs of format 1 become format 2 by the first write or on request: nothing is lost, killed or not."""

import os
import shutil
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from g2is.__main__ import main
from g2is.analysis import walks
from g2is.config import walk_preset
from g2is.pipeline.changing import changing
from g2is.run.manifest import FORMAT_VERSION, Manifest
from g2is.run.run import Run
from g2is.run.selections import Selection
from tests.app.tiny_run import make_run
from tests.format_1 import as_format_1

STORED = Path(__file__).parent / "data" / "run-format-1" / "run"


class Killed(BaseException):
    """What no code catches."""


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Every file of a run but its manifests."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "manifest" not in path.name
    }


def answers(run: Run) -> list:
    """What a run says of its targets, however it keeps them."""
    texts = run.validation[["source", "line", "prompt", "response", "raw", "target"]].astype(str)
    numbers = [run.validation_gradients, *(run.regime(name).validation_cosines for name in run.regimes)]
    numbers += [run.layout(kind, name).validation for kind in run.layouts for name in run.regimes]
    numbers += [run.layout(kind, name).samples for kind in run.layouts for name in run.regimes]
    trace = walks.walk(run, walk_preset("recommended", count=6))
    return [
        run.hash,
        texts.values.tolist(),
        *(np.asarray(array).tobytes() for array in numbers),
        run.leaks.values.tolist(),
        [(target.name, target.size) for target in run.targets],
        trace.samples.tolist(),
    ]


@pytest.fixture(scope="module")
def old(tmp_path_factory) -> Run:
    folder = tmp_path_factory.mktemp("old")
    return as_format_1(make_run(folder / "new", 60, targets=("apples", "pears")), folder / "old")


def copy(run: Run, folder: Path) -> Run:
    return Run.open(shutil.copytree(run.folder, folder / run.name))


@pytest.mark.parametrize("source", ["stored", "tiny"])
def test_an_upgraded_run_says_what_it_said_before(source, old, tmp_path, capsys):
    run = copy(Run.open(STORED) if source == "stored" else old, tmp_path)
    before, selections = answers(run), sorted((run.folder / "selections").glob("*.json"))
    taken = {path: Selection.read(path, run).samples for path in selections}
    assert main(["upgrade", str(run.folder)]) == 0
    new = Run.open(run.folder)
    assert new.manifest.format_version == FORMAT_VERSION > run.manifest.format_version
    assert new.complete and new.check() == [] and answers(new) == before
    assert {path: Selection.read(path, new).samples for path in selections} == taken and taken
    assert not {path.name for path in new.folder.iterdir()} & {"validation.parquet", "leaks.parquet"}
    assert new.state != run.state
    again = bytes_of(new.folder)
    assert main(["upgrade", str(run.folder)]) == 0 and bytes_of(new.folder) == again
    assert "is of format 2 already" in capsys.readouterr().err


def test_it_becomes_what_a_build_of_today_writes(old, tmp_path):
    """But for the places of the validation samples, which follow those of the pool in the old file, and for types of
    columns in the tables of leaks."""
    run = copy(old, tmp_path)
    with changing(run.folder, print):
        pass
    expected, found = bytes_of(run.folder.parent / "old"), bytes_of(old.folder.parent / "new")
    other = ("sgd/pca.npy", "sgd/umap.npy", "selections/")
    shared = {name for name in found if not name.startswith(other) and not name.endswith("leaks.parquet")}
    assert {name: expected[name] for name in shared} == {name: found[name] for name in shared}


def test_reading_changes_nothing(old, tmp_path):
    run = copy(old, tmp_path)
    before = {**bytes_of(run.folder), "manifest": (run.folder / "manifest.json").read_bytes()}
    answers(run)
    assert main(["verify", str(run.folder)]) == 0
    assert main(["walk", str(run.folder), "--count", "3", "--output", str(tmp_path / "walk.json")]) == 0
    assert {**bytes_of(run.folder), "manifest": (run.folder / "manifest.json").read_bytes()} == before


def test_killed_at_any_write_it_is_a_whole_run_of_either_format_and_ends_the_same(old, tmp_path, monkeypatch):
    expected = copy(old, tmp_path / "whole")
    said = answers(expected)
    with changing(expected.folder, print):
        pass
    formats = set()
    for step in (0, 12, 35, 44, 48, 50, 54, 58):
        run = copy(old, tmp_path / str(step))
        with monkeypatch.context() as patch:
            killed_at(patch, step)
            with suppress(Killed), changing(run.folder, print):
                formats.add("done")
        opened = Run.open(run.folder)
        formats.add(opened.manifest.format_version)
        assert opened.complete and opened.check() == [] and answers(opened) == said
        assert Manifest.read(run.folder, ".manifest.copy.json").complete
        with changing(run.folder, print):
            pass
        assert bytes_of(run.folder) == bytes_of(expected.folder)
    assert formats == {1, 2}, "the steps do not reach both sides of the change, or go too far"


def killed_at(patch, step: int) -> list[int]:
    """Make every step of writing or removing a file after so many end the process; returns how many are left."""
    left = [step]

    def after(made):
        def counted(*args, **kinds):
            left[0] -= 1
            if left[0] < 0:
                raise Killed
            return made(*args, **kinds)

        return counted

    for place, name in ((os, "fsync"), (Path, "replace"), (Path, "unlink")):
        patch.setattr(place, name, after(getattr(place, name)))
    return left


def test_damage_stops_it_before_anything_changes(old, tmp_path, capsys):
    run = copy(old, tmp_path)
    path = run.folder / "validation_gradients.npy"
    os.truncate(path, path.stat().st_size - 1)
    assert main(["upgrade", str(run.folder)]) == 2
    assert "validation_gradients.npy: " in capsys.readouterr().err
    assert Manifest.read(run.folder).format_version == 1
