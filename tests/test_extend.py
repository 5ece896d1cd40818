"""A pool that grows: equal to a build of everything, old rows untouched, whole or not at all."""

import json
import shutil
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from g2is.__main__ import main
from g2is.analysis import walks
from g2is.analysis.reasons import reasons_of_walk
from g2is.config import walk_preset
from g2is.errors import InputError
from g2is.graph.growing import grown_communities, grown_lists, grown_places
from g2is.graph.neighbors import exact_neighbors
from g2is.pipeline import build as build_module
from g2is.pipeline import extend as extend_module
from g2is.pipeline import growing
from g2is.pipeline.adding import remove, restore, target_from
from g2is.pipeline.extend import extend
from g2is.pipeline.whiten import whiten
from g2is.run.manifest import Manifest
from g2is.run.run import Run
from g2is.run.selections import Selection, save_walk
from tests.pools import records_of
from tests.test_pipeline import configuration, files, make  # noqa: F401
from tests.test_upgrade import Killed, bytes_of
from tests.tiny import write_pool

NEW = 17


def quiet(run: Run, *train: Path, **options) -> Run:
    return extend(run.folder, train, say=options.pop("say", lambda line: None), **options)


@pytest.fixture(scope="module")
def more(tmp_path_factory) -> Path:
    """New instructions; three are in the pool already, and one twice among the new."""
    folder = tmp_path_factory.mktemp("more")
    lines = write_pool(folder / "pool.jsonl", NEW - 4, seed=5).read_text().splitlines()
    write_pool(folder / "same.jsonl", 3)
    lines[2:2] = [*(folder / "same.jsonl").read_text().splitlines(), lines[0]]
    (folder / "pool.jsonl").write_text("".join(f"{line}\n" for line in lines))
    return folder / "pool.jsonl"


@pytest.fixture(scope="module", params=[1, 2], ids=["one checkpoint", "two checkpoints"])
def plain(files, tmp_path_factory, request) -> Run:  # noqa: F811
    gradients = {"store_dtype": "float32", "checkpoints": request.param}
    return make(tmp_path_factory.mktemp("plain") / "run", files, configuration(files, gradients=gradients))


@pytest.fixture
def run(plain, tmp_path) -> Run:
    return Run.open(shutil.copytree(plain.folder, tmp_path / "run"))


@pytest.mark.parametrize("seed", range(12))
def test_lists_that_grow_are_those_of_comparing_all(seed):
    random = np.random.default_rng(seed)
    first, count, width = int(random.integers(5, 40)), int(random.integers(0, 30)), 6
    # Four halves a row: few different cosines, all exact, so that most are equal and the order is by row.
    rows = np.zeros((first + count, width), np.float32)
    for row in rows:
        row[random.choice(width, 4, replace=False)] = random.choice([-0.5, 0.5], 4)
    valid = random.random(len(rows)) < 0.9
    valid[:4] = True
    rows[~valid] = 0
    sizes = {"neighbors": 3, "conflicts": 5}
    old = exact_neighbors(rows[:first], valid[:first], **sizes)
    whole = exact_neighbors(rows, valid, **sizes)
    grown = grown_lists(rows, valid, old, **sizes, block=4).lists
    for name in ("neighbors", "cosines", "conflicts", "conflict_cosines"):
        assert np.array_equal(getattr(grown, name), getattr(whole, name)), name
    assert grown.mean_cosine == pytest.approx(whole.mean_cosine, abs=1e-9)
    assert grown.conflict_share == whole.conflict_share


def test_equal_cosines_go_to_the_smaller_row():
    rows = np.eye(4, dtype=np.float32)[[0, 1, 2, 0, 0, 1]]  # rows 3, 4 and 5 are new and copies
    old = exact_neighbors(rows[:3], np.ones(3, bool), neighbors=2, conflicts=1)
    lists = grown_lists(rows, np.ones(6, bool), old, neighbors=2, conflicts=1).lists
    assert lists.neighbors.tolist() == [[3, 4], [5, 0], [0, 1], [0, 4], [0, 3], [1, 0]]


def test_new_rows_are_placed_among_the_old_ones_nearest_to_them():
    nearest, cosines = np.array([[0, 1], [2, 0]], np.int32), np.array([[0.5, 0.5], [-0.1, -0.5]], np.float32)
    valid = np.array([True, True, True, True, False, True])
    places = grown_places(np.array([[0, 0], [2, 4], [9, 9]], np.float32), valid, nearest, cosines)
    assert places[3].tolist() == [1, 2] and np.isnan(places[4]).all() and 5 < places[5, 0] < 9
    groups = grown_communities(np.array([1, 1, 0], np.int32), valid, nearest, cosines)
    assert groups.tolist() == [1, 1, 0, 1, -1, 0]


def test_it_is_equal_to_a_build_of_everything_with_the_same_adapter(run, files, more, tmp_path, monkeypatch):  # noqa: F811
    whiten(run.folder, 0.05, lambda line: None)
    before = Run.open(run.folder)
    first, old = len(before.instructions), bytes_of(run.folder)
    said: list[str] = []
    grown = quiet(before, more, say=said.append)
    assert (
        grown.complete and grown.check() == [] and grown.hash == before.hash and grown.state != before.state
    )
    assert len(grown.instructions) == first + NEW and not (run.folder / "extending").exists()
    assert any("4 are exact duplicates" in line for line in said), said
    assert grown.instructions["duplicate_of"][first:].tolist()[2:6] == [0, 1, 2, first]
    assert grown.source_names == ["pool.jsonl", "pool.jsonl (2)"] and grown.row("pool.jsonl (2):1") == first
    assert grown.columns.matching(["source=pool.jsonl (2)"]).sum() == NEW

    # The same adapter for all of them, as no build by itself has it.
    def same_adapter(writer, config, lazy):
        stage = before.manifest.stages["warmup"]
        for name in stage.files:
            shutil.copyfile(before.folder / name, writer.folder / name)
        return list(stage.files), dict(stage.found)

    monkeypatch.setattr(build_module, "write_warmup", same_adapter)
    config = before.manifest.configuration
    both = [files / "pool.jsonl", more]
    whole = make(tmp_path / "whole" / "run", files, config, train=both)
    for name in grown.regimes:
        one, other = grown.regime(name), whole.regime(name)
        close = {"atol": 2e-3 if name == "whitened" else 1e-5}
        np.testing.assert_allclose(one.gradients, other.gradients, **close)
        np.testing.assert_allclose(one.norms, other.norms, rtol=1e-3)
        np.testing.assert_allclose(one.cosines, other.cosines, **close)
        np.testing.assert_allclose(one.conflict_cosines, other.conflict_cosines, **close)
        np.testing.assert_allclose(one.validation_cosines, other.validation_cosines, **close)
        assert one.mean_cosine == pytest.approx(other.mean_cosine, abs=1e-3)
        assert one.conflict_share == pytest.approx(other.conflict_share, abs=1e-2)
        sure = np.abs(np.diff(np.asarray(other.cosines), axis=1)) > 1e-4
        sure = (np.pad(sure, ((0, 0), (1, 0)), constant_values=True)[:, :-1] & sure)[:, :4]
        assert sure.mean() > 0.3
        assert np.array_equal(one.neighbors[:, :4][sure], other.neighbors[:, :4][sure])
        assert len(grown.communities(name).membership) == first + NEW
        assert np.isfinite(grown.layout("pca", name).samples[grown.valid]).all()
        assert len(grown.layout("pca", name).validation) == len(grown.validation)
        # What was there is there, byte for byte.
        if name != "whitened":
            was = before_regime(before, old, name)
            assert np.asarray(one.gradients)[:first].tobytes() == was["gradients"].tobytes()
            assert np.asarray(one.validation_cosines)[:first].tobytes() == was["validation"].tobytes()
        assert np.array_equal(
            grown.layout("pca", name).samples[:first], before_places(old, name), equal_nan=True
        )
    assert grown.near_duplicates.tolist() == whole.near_duplicates.tolist()
    for column in ("valid", "tokens", "trained_tokens", "problem", "raw", "prompt", "line", "duplicate_of"):
        assert (
            records_of(grown)[column].astype(str).tolist() == records_of(whole)[column].astype(str).tolist()
        )
    assert grown.leaks[["sample", "validation", "kind"]].values.tolist() == (
        whole.leaks[["sample", "validation", "kind"]].values.tolist()
    )
    numbers = ("valid", "invalid", "prompt_cut", "response_cut", "projection_dim", "reply_notes")
    assert [grown.manifest.stages["gradients"].found[name] for name in numbers] == [
        whole.manifest.stages["gradients"].found[name] for name in numbers
    ]


def before_regime(run: Run, old: dict[str, bytes], regime: str) -> dict[str, np.ndarray]:
    place = next(iter(run.manifest.targets))
    names = {"gradients": f"{regime}/gradients.npy", "validation": f"{place}/{regime}/cosines.npy"}
    return {key: array_of(old[name]) for key, name in names.items()}


def before_places(old: dict[str, bytes], regime: str) -> np.ndarray:
    return array_of(old[f"{regime}/pca.npy"])


def array_of(data: bytes) -> np.ndarray:
    return np.load(BytesIO(data))


@pytest.fixture(scope="module")
def trained(files, tmp_path_factory) -> Run:  # noqa: F811
    return make(
        tmp_path_factory.mktemp("trained") / "run",
        files,
        configuration(files, gradients={"regimes": ("sgd",)}),
    )


@pytest.fixture
def small(trained, tmp_path) -> Run:
    return Run.open(shutil.copytree(trained.folder, tmp_path / "run"))


def test_what_was_made_before_stays_and_says_what_came_since(small, more):
    walked = walks.walk(small, walk_preset("recommended", count=6))
    path = small.folder / "selections" / "before.json"
    save_walk(path, small, walked)
    small.sets.write("mine", [1, 2, 39])
    count = len(small.instructions)
    grown = quiet(small, more)
    selection = Selection.read(path, grown)
    assert selection.samples == walked.samples.tolist() and "pool" not in json.loads(path.read_text())["run"]
    assert grown.since(selection.run) == f"{NEW} instructions came since; it was made of the first {count}"
    assert grown.sets["mine"].rows.tolist() == [1, 2, 39]
    later = walks.walk(grown, walk_preset("recommended", count=20))
    assert later.samples.max() >= count
    second = save_walk(path.with_name("after.json"), grown, later)
    assert grown.since(second.run) == "" and second.run == grown.reference
    assert Selection.read(path.with_name("after.json"), grown).samples == second.samples
    assert "it came to the pool after this walk" in walks.explain(grown, walked, count).text
    assert "came" not in walks.explain(grown, walked, 3).text
    reasons = reasons_of_walk(grown, walked)
    assert [*reasons.sentences].count("it came to the pool after this walk") == NEW


def test_a_pool_grows_again_and_again(small, more, tmp_path):
    again = write_pool(tmp_path / "again.jsonl", 6, seed=9, letters="xyz")
    grown = quiet(quiet(small, more), again)
    assert [(added.first, added.count) for added in grown.manifest.additions] == [(40, NEW), (40 + NEW, 6)]
    assert len(grown.valid) == 46 + NEW and grown.check() == []
    assert grown.source_names == ["pool.jsonl", "pool.jsonl (2)", "again.jsonl"]
    # Nothing of earlier states is left on the disk.
    kept = {grown.folder / (of.at or name) for name, of in grown.manifest.files.items()}
    assert {
        path for path in grown.folder.rglob("*") if path.is_file() and "manifest" not in path.name
    } == kept
    assert not (grown.folder / "pool" / "2").exists()
    with pytest.raises(InputError, match="has its instructions already, from again"):
        quiet(grown, again)


def test_targets_come_and_go_in_an_extended_run(small, more):
    grown = quiet(small, more)
    added = target_from(grown, [1, 2, 45], name="alike")
    assert added.regime("sgd").validation_cosines.shape == (40 + NEW, 6 + 3) and added.check() == []
    assert [target.name for target in remove(small.folder, "words").targets] == ["alike"]
    again = restore(small.folder, "words")
    assert again.check() == []
    np.testing.assert_allclose(grown_cosines(again), grown_cosines(added), atol=1e-6)


def grown_cosines(run: Run) -> np.ndarray:
    return np.asarray(run.regime("sgd").validation_cosines)[:, :6]


def test_the_build_command_goes_on_with_an_extended_run(small, more, files):  # noqa: F811
    grown = quiet(small, more)
    config = grown.manifest.configuration
    before = bytes_of(grown.folder)
    assert make(grown.folder, files, config).state == grown.state and bytes_of(grown.folder) == before
    graph = config.graph.replace(neighbors=7)
    changed = make(grown.folder, files, config.replace(graph=graph))
    assert changed.regime("sgd").neighbors.shape == (40 + NEW, 7) and changed.check() == []
    assert changed.hash != grown.hash and len(changed.communities("sgd").membership) == 40 + NEW
    damaged = changed.folder / changed.manifest.at("sgd/gradients.npy")
    damaged.write_bytes(damaged.read_bytes()[:-1])
    with pytest.raises(InputError, match="take the file from a copy of the run: it was extended"):
        make(grown.folder, files, config.replace(graph=graph))
    with pytest.raises(InputError, match="take the file from a copy of the run: it was extended"):
        Run.open(changed.folder).regime("sgd")


@pytest.mark.parametrize("at", ["taken", "grown", "before the manifest", "after the manifest", "removing"])
def test_killed_it_is_as_it_was_and_goes_on_or_is_done(small, more, at, monkeypatch):
    before, state = bytes_of(small.folder), small.state
    places = {
        "taken": (growing.Growing, "write"),
        "grown": (growing, "grow_target"),
        "after the manifest": (extend_module, "remove_folder"),
        "removing": (extend_module, "tidy"),
    }

    def killed(*arguments, **options):
        raise Killed

    with monkeypatch.context() as patch:
        if at == "before the manifest":
            write = Manifest.write
            patch.setattr(
                Manifest, "write", lambda self, folder: killed() if self.additions else write(self, folder)
            )
        else:
            patch.setattr(*places[at], killed)
        with pytest.raises(Killed):
            quiet(small, more)
    left = Run.open(small.folder)
    assert left.complete and left.check() == []
    if at in ("taken", "grown", "before the manifest"):
        now = bytes_of(small.folder)
        assert left.state == state and all(now[name] == data for name, data in before.items())
        other = more.with_name("same.jsonl")
        with pytest.raises(InputError, match="is not finished and differs"):
            quiet(small, other)
        with monkeypatch.context() as patch:  # its gradients are there
            patch.setattr(extend_module.GradientsStage, "write", killed)
            grown = quiet(small, more)
    else:
        with pytest.raises(InputError, match="has its instructions already"):
            quiet(small, more)
        grown = left
    assert len(grown.valid) == 40 + NEW and grown.check() == []
    whiten(grown.folder, None, lambda line: None)  # any later write removes what is left
    again = Run.open(grown.folder)
    kept = {again.folder / (of.at or name) for name, of in again.manifest.files.items()}
    lost = {path for path in again.folder.rglob("*") if path.is_file() and "manifest" not in path.name} - kept
    assert {path for path in lost if "extending" not in path.parts} == set()
    assert "whitened" in again.regimes and again.check() == []


def test_what_cannot_extend_is_refused_and_changes_nothing(small, more, files, tmp_path):  # noqa: F811
    before = bytes_of(small.folder)
    weights = shutil.copytree(files / "model", tmp_path / "other") / "model.safetensors"
    save_file({name: 2 * tensor for name, tensor in load_file(weights).items()}, weights, {"format": "pt"})
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"question": "a", "answer": "b"}\n{"x": 1}\n')
    for train, options, said in (
        (files / "pool.jsonl", {}, "already, from pool.jsonl"),
        (more, {"model": str(tmp_path / "other")}, "another one than run run was built with"),
        (more, {"model": str(tmp_path / "none")}, "none"),
        (tmp_path / "absent.jsonl", {}, "absent"),
        (bad, {}, "bad.jsonl:2"),
    ):
        with pytest.raises(InputError, match=said):
            quiet(small, train, **options)
        assert bytes_of(small.folder) == before
    moved = shutil.copytree(files / "model", tmp_path / "moved")
    assert len(quiet(small, bad, model=str(moved), reading={"skip_bad": True}).valid) == 41
    assert (small.folder / Run.open(small.folder).manifest.at("rejected.jsonl")).read_text().count("\n") == 1


def test_the_command_line(small, more, capsys):
    folder = str(small.folder)
    assert main(["extend", folder, "--train", str(more), "--renew"]) == 0
    said = capsys.readouterr().err
    assert "made again, so that places and numbers" in said and f"has {40 + NEW} instructions" in said
    grown = Run.open(folder)
    assert grown.check() == [] and np.isfinite(grown.layout("pca", "sgd").validation).all()
    assert main(["verify", folder]) == 0
    assert main(["extend", folder, "--train", str(more)]) == 2
