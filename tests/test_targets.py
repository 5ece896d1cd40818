"""Targets of a finished run come and go: nothing of the pool changes, and what was selected stays what it was."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from g2is.__main__ import main
from g2is.analysis import walks
from g2is.analysis.core import closest_examples
from g2is.analysis.reasons import reasons_of_walk
from g2is.analysis.scores import score
from g2is.analysis.step_graphs import goal, step_graph
from g2is.analysis.steps import step_views
from g2is.analysis.targets import pool_of
from g2is.analysis.why_not import why_not
from g2is.arrays.unit import unit
from g2is.config import walk_preset
from g2is.errors import InputError
from g2is.instructions.snippet import snippet
from g2is.pipeline.adding import remove, restore, target_from
from g2is.pipeline.grown import grow
from g2is.pipeline.targets import records
from g2is.run.run import Run
from g2is.run.selections import Selection, select
from g2is.storage.tables import write_frame
from tests.app.tiny_run import INVALID, VALIDATION, make_run
from tests.format_1 import as_format_1
from tests.test_upgrade import bytes_of

ROWS = [30, 31, 40, 55, 3]


def recommended(run: Run, **changes) -> list[int]:
    return walks.walk(run, walk_preset("recommended", count=8, **changes)).samples.tolist()


def test_instructions_become_a_target(run):
    new = target_from(run, ROWS, name="like these", note="from a lasso")
    assert (
        new.complete
        and new.check() == []
        and [target.name for target in new.targets] == ["apples", "like these"]
    )
    made = new.targets[1]
    assert (made.origin, made.rows, made.size) == ("instructions", tuple(sorted(ROWS)), 5)
    assert made.note == "5 instructions of the pool, from a lasso"
    own = slice(VALIDATION, VALIDATION + 5)
    regime = new.regime("sgd")
    rows = unit(np.asarray(regime.gradients, np.float32))
    np.testing.assert_allclose(unit(new.validation_gradients[own]), rows[made.rows,], atol=1e-6)
    np.testing.assert_allclose(
        np.linalg.norm(new.validation_gradients[own], axis=1), regime.norms[list(made.rows)], rtol=1e-3
    )
    np.testing.assert_allclose(regime.validation_cosines[:, own], rows @ rows[made.rows,].T, atol=1e-3)
    assert new.validation["prompt"][own].tolist() == new.prompts(made.rows)
    np.testing.assert_allclose(
        new.layout("pca", "sgd").validation[own], new.layout("pca", "sgd").samples[list(made.rows)], atol=1e-3
    )


def test_what_is_alike_to_an_instruction_that_is_an_example_is_no_leak(run):
    copy = int(np.flatnonzero(run.instructions["duplicate_of"] >= 0)[0])
    first = int(run.instructions["duplicate_of"][copy])
    new = target_from(run, [first, 3], name="more")
    assert new.leaks.to_numpy().tolist() == run.leaks.to_numpy().tolist()
    # A file of an earlier version has it.
    file = new.folder / next(name for name in new.manifest.files if "more" in name and "leaks" in name)
    write_frame(
        file, pd.DataFrame({"sample": [copy], "validation": [0], "kind": ["same text"], "similarity": [1.0]})
    )
    place = next(place for place, part in new.manifest.parts.items() if part.name == "more")
    part = new.manifest.parts[place]
    name = file.relative_to(new.folder).as_posix()
    new.manifest.parts[place] = part.model_copy(
        update={"files": {**part.files, **records(new.folder, [name])}}
    )
    new.manifest.write(new.folder)
    assert Run.open(new.folder).leaks.to_numpy().tolist() == run.leaks.to_numpy().tolist()
    grown = grow(Run.open(new.folder), run.targets[0].name, [first])
    assert not ((grown.leaks["sample"] == copy) & (grown.leaks["validation"] >= VALIDATION)).any()
    assert copy not in set(np.flatnonzero(pool_of(grown, "more").allowed))


def test_nothing_of_the_pool_changes_and_what_was_selected_stays(run):
    before, walked, less = (
        bytes_of(run.folder),
        recommended(run),
        select(run, "less", regime="sgd", count=8).samples,
    )
    new = target_from(run, ROWS, name="more")
    after = bytes_of(new.folder)
    assert {name: after[name] for name in before} == before
    assert all(name.startswith("targets/more/") for name in after.keys() - before.keys())
    assert new.hash == run.hash and new.state != run.state
    assert recommended(new) == walked and select(new, "less", regime="sgd", count=8).samples == less
    path = new.folder / "selections" / "first-walk.json"
    assert Selection.read(path, new).samples == Selection.read(path, run).samples


def test_a_walk_leaves_out_what_its_target_was_made_of_unless_it_may(run):
    new = target_from(run, ROWS, name="more")
    asked = {"targets": {"more": 1.0}}
    assert not set(recommended(new, **asked)) & set(ROWS)
    assert set(recommended(new, **asked, without_target_rows=False)) & set(ROWS)
    trace = walks.walk(new, walk_preset("recommended", count=8, **asked))
    assert "the target is made of it" in walks.explain(new, trace, ROWS[0]).text
    assert set(recommended(new, targets={"apples": 1.0})) == set(recommended(run))
    for method in ("less", "round_robin"):
        asked = {"regime": "sgd", "count": 8, "targets": ("more",)}
        assert not set(select(new, method, **asked).samples) & set(ROWS), method
        assert set(select(new, method, **asked, without_target_rows=False).samples) & set(ROWS), method


def test_what_cannot_be_a_target_is_refused_and_leaves_the_run_as_it_was(run):
    before = bytes_of(run.folder)
    for rows, name, said in (
        ([1, 2], "apples", "one of this name"),
        ([1], "one", r"1 instruction\(s\) with a gradient, expected 2"),
        ([1, INVALID], "one", r"1 instruction\(s\) with a gradient"),
        ([], "none", r"0 instruction\(s\)"),
        ([1, 80], "far", "expected rows of the pool, 0 to 79"),
        ([-1, 2], "far", "expected rows of the pool"),
        ([1, 2], "a\nb", "printable"),
    ):
        with pytest.raises(InputError, match=said):
            target_from(run, rows, name=name)
    assert bytes_of(run.folder) == before
    made = target_from(run, [1, INVALID, 2], name="../Apples")
    assert made.targets[-1].size == 2 and not (run.folder.parent / "Apples").exists()
    assert made.manifest.targets.keys() == {"targets/apples", "targets/apples-2"}


def test_a_target_that_was_removed_comes_back_as_it_was(run):
    new = target_from(run, ROWS, name="more")
    before, walked = bytes_of(new.folder), recommended(new, targets={"more": 1.0})
    less = remove(new.folder, "more")
    assert [target.name for target in less.targets] == ["apples"] and less.check() == []
    assert bytes_of(less.folder).keys() - bytes_of(run.folder).keys() == set()
    assert not (less.folder / "targets/more/sgd/cosines.npy").exists()
    with pytest.raises(InputError, match="no target 'more'"):
        recommended(less, targets={"more": 1.0})
    again = restore(new.folder, "more")
    assert bytes_of(again.folder) == before and recommended(again, targets={"more": 1.0}) == walked
    remove(new.folder, "apples")
    with pytest.raises(InputError, match="the last one"):
        remove(new.folder, "more")
    assert recommended(Run.open(new.folder)) == walked, "without those of the build, all that are left"


def test_a_target_that_comes_back_stands_where_it_was(run, tmp_path):
    """Numbers of validation examples are places in all targets together."""

    def order(of: Run) -> list[str]:
        return [target.name for target in of.targets]

    new = target_from(target_from(run, ROWS, name="more"), [1, 2], name="last")
    prompts = new.validation["prompt"].tolist()
    for name in ("apples", "more", "last"):
        remove(new.folder, name)
        again = restore(new.folder, name)
        assert order(again) == ["apples", "more", "last"], name
        assert again.validation["prompt"].tolist() == prompts and again.check() == []
    # Two of a build, which may have come in the same second.
    built = make_run(tmp_path / "two", 40, targets=("a", "b"))
    for part in built.manifest.parts.values():
        part.added = "2030-01-02T03:04:05+00:00"
    built.manifest.write(built.folder)
    for name in ("a", "b"):
        remove(built.folder, name)
        assert order(restore(built.folder, name)) == ["a", "b"]


def test_examples_are_numbered_as_those_of_the_walks_own_target(run):
    """A grown target shares its examples with the one that it grew from; both have numbers of their own."""
    new = grow(run, run.targets[0].name, [30, 31], into="grown")
    own = np.flatnonzero(new.validation["target"] == "grown")
    for settings in ({}, {"knowledge": "principal", "components": 3}):
        parameters = walk_preset("recommended", count=14, targets={"grown": 1.0}, **settings)
        trace = walks.walk(new, parameters)
        knowledge = walks.core_knowledge(new, parameters)
        assert set(knowledge.examples) <= set(own)
        taken = why_not(new, trace, int(trace.samples[0]))
        step = step_views(new, trace, 0, 1)[0]
        assert taken.example == step.example == knowledge.examples[trace.steps.component[0]]
        assert f"example {step.example}" in taken.text and f"example {step.example}" in step.reason
        assert step_graph(new, trace, 0) is not None
        missed = [row for row in np.flatnonzero(new.valid).tolist() if row not in set(trace.samples)]
        for row in missed[:10]:
            assert why_not(new, trace, row).example in (None, *own)
        assert closest_examples(new, knowledge) == [
            snippet(new.validation["prompt"].iloc[row]) for row in knowledge.examples
        ]
    each = walks.walk(new, walk_preset("recommended", count=14, targets={"grown": 1.0}))
    assert goal(new, each, 0) == ("validation", own[each.steps.component[0]])
    named = {
        int(number)
        for sentence in reasons_of_walk(new, each).sentences
        for number in re.findall(r"example (\d+)", sentence)
    }
    assert named and named <= set(own.tolist())
    scores = score(new, "grown", count=14).frame().dropna(subset="best_example")
    assert set(scores["best_example"]) <= set(own)
    for row in scores[scores["why_not"].str.contains("its closest")].itertuples():
        assert f"example {row.best_example}" in row.why_not


def test_a_run_of_format_1_is_upgraded_by_its_first_target(run, tmp_path):
    old = as_format_1(run, tmp_path / "old")
    walked = recommended(old)
    new = target_from(old, ROWS, name="more")
    assert new.manifest.format_version == 2 and new.check() == [] and recommended(new) == walked


def test_the_command_line(run, capsys):
    folder = str(run.folder)
    run.sets.write("hard", np.array([4, 5, 6]))
    assert main(["target", "from", folder, "more", "--rows", "10-12", "--sets", "hard"]) == 0
    assert "6 instructions of the pool, --rows 10-12 --sets hard" in capsys.readouterr().err
    assert Run.open(run.folder).targets[-1].rows == (4, 5, 6, 10, 11, 12)
    assert main(["target", "from", folder, "words", "--search", "question 2", "--community", "0"]) == 0
    assert main(["target", "list", folder]) == 0
    listed = capsys.readouterr().out
    assert "apples" in listed and "--sets hard" in listed and "--search question 2" in listed
    assert main(["target", "remove", folder, "more", "words"]) == 0
    assert main(["target", "list", folder]) == 0
    assert "removed, can be restored: more, words" in capsys.readouterr().err
    assert main(["target", "restore", folder, "more"]) == 0
    output = Path(folder) / "walk.json"
    assert main(["walk", folder, "--count", "5", "--targets", "more=1", "--output", str(output)]) == 0
    for words, said in (
        (["from", folder, "x"], "give --rows"),
        (["from", folder], "no name after the run, expected g2is target from"),
        (["list", folder, "x"], "list: 1 name after the run, expected g2is target list"),
        (["remove", folder], "no name after the run, expected g2is target remove"),
        (["remove", folder, "nobody"], "expected one of apples, more"),
        (["list", folder, "--rows", "3"], "rows: is for from"),
        (["from", folder, "x", "--community", "999"], "community = 999"),
    ):
        assert main(["target", *words]) == 2
        assert said in capsys.readouterr().err
