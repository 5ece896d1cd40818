"""What is done to a finished run may be done in any order: the run is the same in the end."""

import shutil
from itertools import permutations

import numpy as np
import pytest

from g2is.analysis import walks
from g2is.config import walk_preset
from g2is.pipeline.adding import remove, restore, target_from
from g2is.pipeline.extend import extend
from g2is.pipeline.removing import remove_instructions, restore_instructions
from g2is.pipeline.whiten import whiten
from g2is.run.run import Run
from tests.pools import records_of
from tests.test_pipeline import configuration, files, make  # noqa: F401
from tests.tiny import write_pool

pytestmark = pytest.mark.slow
GONE, NEW = [1, 5, 6, 7, 20], 9
CHANGES = ("extend", "target", "remove", "whiten")
ORDERS = [CHANGES, *[order for order in permutations(CHANGES) if order[::-1] > order][3::4]]


@pytest.fixture(scope="module")
def plain(files, tmp_path_factory) -> Run:  # noqa: F811
    gradients = {"store_dtype": "float32", "checkpoints": 2}
    return make(tmp_path_factory.mktemp("plain") / "run", files, configuration(files, gradients=gradients))


@pytest.fixture(scope="module")
def more(tmp_path_factory):
    return write_pool(tmp_path_factory.mktemp("more") / "more.jsonl", NEW, seed=5)


def change(folder, what, more) -> None:
    if what == "extend":
        extend(folder, [more], say=lambda line: None)
    elif what == "target":
        target_from(Run.open(folder), [2, 3, 9, 11], name="alike")
    elif what == "remove":
        remove_instructions(folder, GONE)
    else:
        whiten(folder, 0.05, lambda line: None)


@pytest.fixture(scope="module")
def runs(plain, more, tmp_path_factory) -> list[Run]:
    runs = []
    for order in ORDERS:
        folder = shutil.copytree(plain.folder, tmp_path_factory.mktemp("order") / "run")
        for what in order:
            change(folder, what, more)
        runs.append(Run.open(folder))
    return runs


def test_the_order_of_changes_does_not_matter(runs, plain):
    first = runs[0]
    assert first.size == len(plain.valid) + NEW - len(GONE) and "whitened" in first.regimes
    for order, run in zip(ORDERS[1:], runs[1:], strict=True):
        same(run, first, order)


def same(run: Run, other: Run, order) -> None:
    """Whether two runs hold the same, but for rounding."""
    assert run.check() == [] and run.hash == other.hash, order
    assert np.array_equal(run.gone, other.gone) and np.array_equal(run.valid, other.valid), order
    assert records_of(run).drop(columns="raw").equals(records_of(other).drop(columns="raw")), order
    assert [target.name for target in run.targets] == [target.name for target in other.targets]
    for regime in run.regimes:
        mine, its = run.regime(regime), other.regime(regime)
        close = {"atol": 2e-3 if regime == "whitened" else 1e-5, "err_msg": f"{regime} {order}"}
        for name in ("gradients", "cosines", "conflict_cosines", "validation_cosines"):
            np.testing.assert_allclose(getattr(mine, name), getattr(its, name), **close)
        if regime != "whitened":
            assert np.array_equal(mine.neighbors, its.neighbors), (regime, order)
            assert np.array_equal(mine.conflicts, its.conflicts), (regime, order)
        for targets in ({"words": 1.0}, {"alike": 1.0}):
            settings = walk_preset("recommended", regime=regime, count=12, targets=targets)
            taken = [walks.walk(one, settings).samples.tolist() for one in (run, other)]
            assert taken[0] == taken[1], (regime, targets, order)
            assert not set(taken[0]) & set(GONE)


def test_what_went_and_came_back_leaves_no_trace(runs):
    folder = runs[1].folder
    before = facts(Run.open(folder))
    restore_instructions(folder, GONE)
    remove(folder, "words")
    remove_instructions(folder, GONE[::-1])
    restore(folder, "words")
    after = Run.open(folder)
    assert sorted(target.name for target in after.targets) == ["alike", "words"] and after.check() == []
    found = facts(after)
    assert before.keys() == found.keys()
    for name, values in before.items():
        np.testing.assert_allclose(found[name], values, atol=1e-6, err_msg=name)


def facts(run: Run) -> dict[str, np.ndarray]:
    """What a run holds that depends on targets and on what is gone. Read at once: the files of a target that is removed
    go elsewhere."""
    found = {"gone": np.array(run.gone)}
    for name in run.regimes:
        regime = run.regime(name)
        for target in ("alike", "words"):
            examples = np.flatnonzero(run.validation["target"] == target)
            found[f"{name} {target}"] = np.array(regime.validation_cosines)[:, examples]
        found[f"{name} neighbors"] = np.array(regime.neighbors)
    return found
