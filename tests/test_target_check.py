"""Is a target described well enough: kinds, curve and forecast against plain computations, proposals, and growing."""

import json
from pathlib import Path

import numpy as np
import pytest

from g2is import selectors
from g2is.__main__ import main
from g2is.analysis import walks
from g2is.analysis.target_check import budget_for, check_target
from g2is.analysis.target_curve import Subsets, forecast, learning_curve
from g2is.analysis.target_gaps import TWIN, Pool, grown_by_rule, proposals
from g2is.analysis.targets import check_of, examples_of, pool_of
from g2is.arrays.unit import unit
from g2is.config import walk_preset
from g2is.errors import InputError
from g2is.graph.kinds import ALIKE, kinds_of
from g2is.instructions import read_instructions
from g2is.pipeline.grown import grow
from g2is.run.run import Run
from tests.app.tiny_run import INVALID, VALIDATION
from tests.test_faults import arguments
from tests.test_faults import files as files
from tests.test_upgrade import bytes_of


def around(random: np.random.Generator, centres: np.ndarray, sizes: list[int], noise: float) -> np.ndarray:
    """Rows around centres, so many around each."""
    rows = np.repeat(centres, sizes, axis=0)
    return rows + noise * random.standard_normal(rows.shape)


@pytest.fixture(scope="module")
def skills():
    """A target of three skills with 9, 5 and 1 examples, and a pool with 60 instructions of each and of a fourth."""
    random = np.random.default_rng(0)
    centres = np.eye(4, 64)
    examples = unit(around(random, centres[:3], [9, 5, 1], 0.08))
    pool = unit(around(random, centres, [60] * 4, 0.12))
    return examples, pool, pool @ examples.T


def test_kinds_are_the_skills(skills):
    examples, _, _ = skills
    kinds = kinds_of(5 * examples)
    assert kinds.sizes.tolist() == [9, 5, 1]
    assert kinds.membership.tolist() == [0] * 9 + [1] * 5 + [2]
    assert kinds.single.tolist() == kinds.alone.tolist() == [14]
    cosines = examples @ examples.T - 2 * np.eye(15)
    np.testing.assert_allclose(kinds.nearest, cosines.max(axis=1), atol=1e-6)
    order = np.random.default_rng(1).permutation(15)
    shuffled = kinds_of(examples[order]).membership
    assert (shuffled[:, None] == shuffled).tolist() == (
        kinds.membership[order][:, None] == kinds.membership[order]
    ).tolist()


def test_kinds_of_few_examples():
    assert kinds_of(np.ones((1, 4))).sizes.tolist() == [1]
    assert kinds_of(np.array([[1.0, 0], [0.9, 0.1]])).sizes.tolist() == [2]
    assert kinds_of(np.array([[1.0, 0], [-1, 0]])).single.tolist() == [0, 1]


@pytest.mark.parametrize("examples", [[0, 1, 2], [14], list(range(15)), [3, 14, 7, 1]])
def test_a_selection_for_some_examples_is_that_of_round_robin(skills, examples):
    _, _, cosines = skills
    valid = np.arange(len(cosines)) % 7 != 3
    cosines = cosines.round(2).astype(np.float16)  # many are equal: ties go to the smaller row
    for budget in (2, 50, 400):
        expected = selectors.round_robin(cosines[:, examples], [""] * len(examples), valid, budget)
        subsets = Subsets.of(cosines, valid, budget)
        assert subsets.chosen(examples).tolist() == expected.tolist()


def test_the_curve_ends_with_what_is_there_and_serves_better_with_more(skills):
    _, _, cosines = skills
    valid = np.ones(len(cosines), dtype=bool)
    curve = learning_curve(Subsets.of(cosines, valid, 40), cosines, valid)
    assert curve.sizes == (2, 4, 8, 12) and curve.held_back == 3
    assert curve.shared[-1] > curve.shared[0] and curve.coverage[-1] > curve.coverage[0]
    assert (curve.coverage <= 1 + 1e-6).all() and (curve.shared <= 1).all()
    few = cosines[:, :2]
    assert learning_curve(Subsets.of(few, valid, 40), few, valid) is None


def test_the_forecast_is_what_the_last_examples_changed(skills):
    _, _, cosines = skills
    valid = np.ones(len(cosines), dtype=bool)
    found = forecast(Subsets.of(cosines, valid, 40))
    assert (found.more, found.known) == (15, 8)
    changes = []
    for draw in range(10):
        order = np.random.default_rng(draw).permutation(15)
        fewer, all_of_them = (
            set(selectors.round_robin(cosines[:, order[:count]], [""] * count, valid, 40).tolist())
            for count in (8, 15)
        )
        changes.append(len(all_of_them - fewer) / 40)
    assert found.change == pytest.approx(np.mean(changes))
    assert forecast(Subsets.of(cosines, valid, 29)) is None, "less than two instructions for each example"


def test_examples_that_are_all_alike_change_nothing():
    random = np.random.default_rng(0)
    rows, examples = random.standard_normal((300, 16)), np.tile(random.standard_normal(16), (40, 1))
    valid = np.ones(300, dtype=bool)
    found = check_target("same", examples, unit(rows) @ unit(examples).T, valid)
    assert found.forecast.change == 0
    assert (
        found.sentence
        == "40 examples of one kind; another 20 examples would probably change less than 1 % of the selection."
    )


def test_the_sentence(skills):
    examples, pool, cosines = skills
    found = check_target("skills", examples, cosines, np.ones(len(pool), dtype=bool))
    assert found.sentence.startswith(
        "1 of 3 kinds has one example; another 15 examples would probably change "
    )
    without = np.arange(len(pool)) // 60 != 2
    found = check_target("skills", examples, cosines, without)
    assert found.lacking.tolist() == [14] and "; the pool cannot serve 1 example; " in found.sentence
    assert check_target("two", examples[:2], cosines[:, :2], without).sentence == "2 examples of one kind."
    assert budget_for(100_000, 60) == 1000 and budget_for(1000, 60) == 160 and budget_for(100, 60) == 50


def test_proposals_are_near_the_example_alone_and_apart(skills):
    examples, pool, cosines = skills
    twice = np.concatenate([pool, pool[125:126], examples[14:]])
    cosines = twice @ examples.T
    allowed = np.ones(len(twice), dtype=bool)
    allowed[130] = False
    near = proposals(Pool(cosines, twice, allowed), 14, 100)
    assert 5 < len(near) < 60 and 130 not in near and len(twice) - 1 not in near, (
        "no copy of the example itself"
    )
    assert not {125, 240} <= set(near.tolist())
    own = cosines[near]
    assert (
        (own.argmax(axis=1) == 14).all() and (own[:, 14] >= ALIKE).all() and (np.diff(own[:, 14]) <= 0).all()
    )
    between = twice[near] @ twice[near].T - np.eye(len(near))
    assert between.max() < TWIN
    assert proposals(Pool(cosines, twice, allowed), 14, 2).tolist() == near[:2].tolist()


def test_the_rule_takes_for_the_kind_that_has_fewest(skills):
    examples, pool, cosines = skills
    membership = kinds_of(examples).membership
    target = Pool(cosines, pool, np.ones(len(pool), dtype=bool))
    rows = grown_by_rule(target, membership, 12)
    skill = rows // 60
    assert (skill[:4] == 2).all() and np.bincount(skill, minlength=4).tolist() == [0, 4, 8, 0]
    assert rows[:4].tolist() == proposals(target, 14, 4).tolist()
    assert len(grown_by_rule(target, membership, 10**6)) == len(
        set(grown_by_rule(target, membership, 10**6).tolist())
    )
    none = Pool(cosines, pool, np.zeros(len(pool), dtype=bool))
    assert grown_by_rule(none, membership, 3).tolist() == []


def test_a_target_grows_by_instructions_which_leave_the_choice(run):
    before, pool = bytes_of(run.folder), pool_of(run, "apples")
    row = int(np.flatnonzero(pool.allowed)[0])
    new = grow(run, "apples", [row, 40], note="by hand")
    assert new.complete and new.check() == []
    assert [target.name for target in new.targets] == ["apples", "apples grown"]
    made = new.targets[1]
    assert (made.size, made.rows) == (VALIDATION + 2, (row, 40))
    assert made.note == f"{VALIDATION} examples and 2 instructions of the pool, by hand"
    after = bytes_of(new.folder)
    assert {name: after[name] for name in before} == before
    rows = examples_of(new, "apples grown")
    np.testing.assert_array_equal(new.validation_gradients[rows[:VALIDATION]], run.validation_gradients)
    regime = new.regime("sgd")
    np.testing.assert_allclose(
        unit(new.validation_gradients[rows[VALIDATION:]]), unit(regime.gradients[[row, 40]]), atol=1e-3
    )
    np.testing.assert_allclose(
        np.linalg.norm(new.validation_gradients[rows[VALIDATION:]], axis=1),
        regime.norms[[row, 40]],
        rtol=1e-3,
    )
    assert new.validation["prompt"].iloc[rows[-1]] == new.prompts([40])[0]
    walk = walks.walk(new, walk_preset("recommended", count=40, targets={"apples grown": 1.0}))
    assert not {row, 40} & set(walk.samples.tolist())
    assert not pool_of(new, "apples grown").allowed[[row, 40]].any()


def test_a_grown_target_grows_in_its_place(run):
    once = grow(run, "apples", [40])
    twice = grow(once, "apples grown", [50, 41])
    assert [(target.name, target.rows) for target in twice.targets[1:]] == [("apples grown", (40, 41, 50))]
    assert twice.check() == [] and twice.targets[0].size == VALIDATION
    assert [
        path.name for path in (run.folder / "targets").iterdir() if path.name.startswith("apples-grown")
    ] == ["apples-grown-2"]
    again = grow(twice, "apples", [40])
    assert [target.name for target in again.targets] == ["apples", "apples grown", "apples grown 2"]
    assert check_of(again, "apples grown").kinds.sizes.sum() == VALIDATION + 3


def test_what_cannot_be_accepted_is_refused_and_leaves_the_run_as_it_was(run):
    grown = grow(run, "apples", [40])
    before = bytes_of(run.folder)
    for name, rows, into, said in (
        ("pears", [40], None, "expected one of apples, apples grown"),
        ("apples", [], None, "no instructions to accept"),
        ("apples", [80], None, "expected rows of the pool"),
        ("apples", [INVALID], None, "without a gradient"),
        ("apples grown", [40], None, "an example already"),
        ("apples", [41], "apples", "is the target that grows"),
        ("apples", [41], "apples grown", "one of this name"),
    ):
        with pytest.raises(InputError, match=said):
            grow(grown, name, rows, into=into)
    assert bytes_of(run.folder) == before
    grow(grown, "apples grown", [41])
    with pytest.raises(InputError, match="has changed meanwhile"):
        grow(grown, "apples grown", [42])


def test_the_commands(run, tmp_path, capsys):
    folder = str(run.folder)
    assert main(["target", "check", folder]) == 0
    assert f"apples: {check_of(run, 'apples').sentence}" in capsys.readouterr().out
    assert main(["target", "grow", folder, "apples"]) == 0
    listed = capsys.readouterr()
    assert check_of(run, "apples").sentence in listed.out and len(Run.open(folder).targets) == 1
    output = tmp_path / "grown.jsonl"
    assert main(["target", "grow", folder, "apples", "--accept", "40-41", "50", "--output", str(output)]) == 0
    read = read_instructions([output]).instructions
    grown = Run.open(folder)
    own = examples_of(grown, "apples grown")
    assert [one.prompt for one in read] == grown.validation["prompt"].iloc[own].tolist()
    assert [one.response for one in read] == grown.validation["response"].iloc[own].tolist()
    assert [json.loads(line)["task"] for line in output.read_text().splitlines()] == (
        grown.validation["task"].iloc[own].tolist()
    )
    found = check_of(grown, "apples grown")
    capsys.readouterr()
    for action, said in (("check", "examples {}"), ("grow", "example {}: ")):
        assert main(["target", action, folder, "apples grown"]) == 0
        assert said.format(own[found.kinds.single[0]]) in capsys.readouterr().out, (
            "numbered among all targets"
        )
    expected = grown_by_rule(pool_of(run, "apples"), check_of(run, "apples").kinds.membership, 2)
    assert main(["target", "grow", folder, "apples", "--rule", "2", "--into", "by rule"]) == 0
    assert Run.open(folder).targets[-1].rows == tuple(sorted(expected.tolist()))
    for words, said in (
        (["grow", folder], "no name after the run, expected g2is target grow"),
        (["grow", folder, "nobody", "--rule", "1"], "expected one of apples"),
        (["grow", folder, "apples", "--rule", "0"], "expected 1 or more"),
        (["grow", folder, "apples", "--rule", "1", "--accept", "3"], "expected one of them"),
        (["grow", folder, "apples", "--output", str(output)], "is for grow with"),
        (["grow", folder, "apples", "--accept", "90"], "expected a row"),
        (["check", folder, "nobody"], "expected one of apples"),
        (["list", folder, "--accept", "3"], "accept: is for grow"),
    ):
        assert main(["target", *words]) == 2
        assert said in capsys.readouterr().err
    assert not list(Path(folder).rglob("*.tmp"))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("pool", [1, 3, 60])
@pytest.mark.parametrize("examples", [1, 2, 5, 40])
@pytest.mark.parametrize("kind", ["any", "all conflict", "zero", "none allowed"])
def test_whatever_there_is_can_be_checked(pool, examples, kind):
    random = np.random.default_rng(0)
    cosines = random.uniform(-1, 1, (pool, examples)).astype(np.float16)
    cosines = {"all conflict": -abs(cosines), "zero": 0 * cosines}.get(kind, cosines)
    gradients = random.standard_normal((examples, 6)) * (kind != "zero")
    allowed = np.full(pool, kind != "none allowed")
    found = check_target("any", gradients, cosines, allowed)
    assert found.sentence.endswith(".") and "nan" not in found.sentence
    if found.curve:
        assert np.isfinite(found.curve.coverage).all() and (found.curve.coverage >= 0).all()
    rows = grown_by_rule(
        Pool(cosines, unit(random.standard_normal((pool, 6))), allowed), found.kinds.membership, 5
    )
    assert allowed[rows].all()


def test_what_is_built_ends_with_a_sentence_for_each_target(files, tmp_path, capsys):
    assert main(arguments(tmp_path / "cache" / "run", files)) == 0
    check, complete = capsys.readouterr().err.splitlines()[-2:]
    sentence = check_of(Run.open(tmp_path / "cache" / "run"), "words").sentence
    assert check == f"target words: {sentence} (g2is target check)" and "run run is complete" in complete
