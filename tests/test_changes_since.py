"""A selection says what it was made on, and what has come or gone since."""

import json
import shutil

import numpy as np
import pytest

from g2is.__main__ import main
from g2is.analysis import walks
from g2is.analysis.saved import for_targets, saved_table
from g2is.analysis.scores import score
from g2is.analysis.why_not import why_not
from g2is.app.shared.samples import change_lines
from g2is.config import walk_preset
from g2is.errors import InputError
from g2is.pipeline.adding import remove, restore, target_from
from g2is.pipeline.changing import changing
from g2is.run.earlier import with_targets
from g2is.run.made_on import MadeOn
from g2is.run.run import Run
from g2is.run.saved import KINDS
from g2is.run.selections import Selection, changes, made_for, save_walk, select, select_set
from tests.app.tiny_run import VALIDATION, make_run
from tests.format_1 import as_format_1


def test_it_names_its_targets_and_its_part_of_the_pool(run):
    walk = walks.walk(run, walk_preset("recommended", count=5))
    path = run.folder / "selections" / "now.json"
    saved = save_walk(path, run, walk)
    assert Selection.read(path, run).made_on == saved.made_on == MadeOn.now(run, ["apples"])
    assert saved.made_on.pool == 80 and saved.made_on.targets == run.target_versions
    assert select(run, "less", regime="sgd", count=5).made_on == saved.made_on
    assert select(run, "random", count=5).made_on == MadeOn(pool=80, targets={})
    run.sets.write("some", [1, 2])
    assert select_set(Run.open(run.folder), "some").made_on.targets == {}
    assert changes(run, saved) == []


def test_what_came_and_went_is_said(run):
    saved = select(run, "less", regime="sgd", count=5)
    new = target_from(run, [3, 4, 5], name="more")
    assert changes(new, saved) == ["1 target came since, which it is not for: more"]
    of_more = select(new, "less", regime="sgd", count=5, targets=("more",))
    assert of_more.made_on.others == ("apples",) and changes(new, of_more) == []
    less = remove(run.folder, "more")
    assert changes(less, of_more) == ["target more is no longer in the run; it can be restored"]
    assert changes(less, saved) == []
    assert changes(restore(run.folder, "more"), of_more) == []
    remove(run.folder, "more")
    other = target_from(less, [6, 7, 8], name="more")
    assert changes(other, of_more) == ["target more has other examples now"]
    grown = saved.model_copy(update={"made_on": saved.made_on.model_copy(update={"pool": 78})})
    assert "2 instructions came since; it was made of the first 78" in changes(other, grown)


def test_an_upgrade_is_no_change_and_files_of_earlier_versions_are_read(run, tmp_path):
    old = as_format_1(run, tmp_path / "old")
    saved = select(old, "less", regime="sgd", count=5)
    with changing(old.folder, print):
        pass
    assert changes(Run.open(old.folder), saved) == [] and saved.made_on.targets == run.target_versions
    path = tmp_path / "earlier.json"
    path.write_text(json.dumps(select(run, "random", count=3).model_dump(exclude={"made_on"})))
    earlier = Selection.read(path, run)
    assert earlier.made_on is None and changes(run, earlier) == []


def test_explain_says_it(run, tmp_path, capsys):
    output = tmp_path / "walk.json"
    assert main(["walk", str(run.folder), "--count", "5", "--output", str(output)]) == 0
    target_from(run, [3, 4, 5], name="more")
    assert main(["explain", str(run.folder), "--selection", str(output), "--sample", "1"]) == 0
    assert "since this was selected: 1 target came since" in capsys.readouterr().err
    assert len(Run.open(run.folder).validation) == VALIDATION + 3


def test_what_a_selection_is_for_is_known_wherever_there_is_a_choice(run):
    """Where a run has one target, and the selection is for it, there is nothing to say."""
    of_apples, drawn = select(run, "less", regime="sgd", count=5), select(run, "random", count=5)
    assert made_for(run, of_apples) == made_for(run, drawn) == []
    more = target_from(run, [3, 4, 5], name="more")
    walk = walks.walk(more, walk_preset("recommended", count=5, targets={"apples": 0, "more": 1}))
    of_more = save_walk(more.folder / "selections" / "new.json", more, walk)
    assert list(of_more.made_on.targets) == ["more"] and of_more.made_on.others == ("apples",)
    assert made_for(more, of_apples) == ["apples"] and made_for(more, drawn) == []
    both = select(more, "less", regime="sgd", count=5, targets=("apples", "more"))
    assert made_for(more, both) == ["apples", "more"] and made_for(more, of_more) == ["more"]
    less = remove(run.folder, "more")
    assert made_for(less, of_apples) == [] and made_for(less, of_more) == ["more"]
    # Files of earlier versions tell it by their settings.
    earlier = [one.model_copy(update={"made_on": None}) for one in (of_apples, both, of_more)]
    assert [made_for(more, one) for one in earlier] == [["apples"], ["apples", "more"], ["more"]]
    table = saved_table(more, KINDS["selection"]).set_index("name")["what"]
    assert table["new"] == "walk for target more" and table["first-walk"] == "walk for target apples"
    assert for_targets([]) == "" and for_targets(["a\n", "b"]) == " for targets a\\n, b"


@pytest.mark.parametrize("other", [None, [6, 7, 8]], ids=["removed", "replaced"])
def test_a_walk_is_explained_though_its_target_went(run, capsys, other):
    more = target_from(run, [3, 4, 5], name="more")
    output = run.folder / "selections" / "new.json"
    trace = walks.walk(more, walk_preset("recommended", count=9, targets={"more": 1}))
    save_walk(output, more, trace)
    samples = [int(trace.samples[0]), int(np.setdiff1d(np.flatnonzero(run.valid), trace.samples)[20]), 3]
    command = [
        "explain",
        str(run.folder),
        "--selection",
        "new",
        "--cache",
        str(run.folder.parent),
        "--sample",
    ]
    told = []
    for _ in range(2):
        for sample in samples:
            assert main([*command, str(sample)]) == 0
            told.append(capsys.readouterr().out)
        if len(told) == 3:
            scores = score(more, selection=output).frame()
            less = remove(run.folder, "more")
            if other:
                less = target_from(less, other, name="more")
    assert (
        told[:3] == told[3:]
        and "Taken" in told[0].title()
        and "Its closest" in told[1]
        and "left out" in told[2]
    )
    after = score(less, selection=output).frame()
    assert after["why_not"].tolist() == scores["why_not"].tolist()
    assert with_targets(more, more.target_versions) is more


def test_examples_keep_their_numbers_though_their_target_went(tmp_path):
    run = make_run(tmp_path / "two", 80, targets=("pears", "apples"))
    trace = walks.walk(run, walk_preset("recommended", count=9))
    less = remove(run.folder, "pears")
    then = with_targets(less, run.target_versions)
    assert [target.name for target in then.targets] == ["pears", "apples"]
    sample = int(np.setdiff1d(np.flatnonzero(run.valid), trace.samples)[20])
    assert why_not(then, trace, sample) == why_not(run, trace, sample)
    # What is not kept stays as it is.
    shutil.rmtree(run.folder / next(iter(less.manifest.removed)))
    assert with_targets(Run.open(run.folder), run.target_versions).targets == less.targets


def test_what_was_taken_is_explained_without_its_target(run):
    more = target_from(run, [3, 4, 5], name="more")
    trace = walks.walk(more, walk_preset("recommended", count=9, targets={"more": 1}))
    less = remove(run.folder, "more")
    assert walks.explain(less, trace, int(trace.samples[4])).taken.step == 4
    with pytest.raises(InputError, match="no target 'more'"):
        walks.explain(less, trace, int(np.setdiff1d(np.flatnonzero(run.valid), trace.samples)[20]))


def test_pages_say_each_change_once_as_a_sentence():
    came = "1 target came since, which it is not for: more"
    assert change_lines({"": [came]}) == [f"This selection: {came}."]
    assert change_lines({"a": [came], "b": [came, "other"], "c": []}) == [f"`a`, `b`: {came}.", "`b`: other."]
    assert change_lines({key: [came] for key in "abcdef"}) == [f"Each of these 6 selections: {came}."]
    assert change_lines({key: [came] for key in "abcde"} | {"f": []}) == [
        f"`a`, `b`, `c` and 2 more: {came}."
    ]
