"""The compare page: its numbers are those of the selections, and a cell of the grid becomes the walk."""

import json
import shlex
import shutil
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from g2is.analysis import walks
from g2is.analysis.comparison import Profiler, memberships
from g2is.analysis.verdict import digest
from g2is.app.compare import fine_tuning, tuning_check, tuning_job
from g2is.app.compare.choice import MOST
from g2is.app.compare.tuning_check import budgets_of, sizes_of
from g2is.app.compare.verdict import literal_words
from g2is.app.shared.jobs import Job
from g2is.cli import make_parser
from g2is.config import EvaluationConfig, walk_preset
from g2is.errors import InputError
from g2is.evaluation.results import Evaluation, FineTuning, evaluations, read_evaluations, read_results
from g2is.figures.compare import shares_figure
from g2is.run.run import Run
from g2is.run.selections import Selection
from g2is.storage.csv import safe_csv
from tests.app.conftest import settle
from tests.app.tiny_run import make_run
from tests.test_faults import DAMAGE

PAGE = "6_Compare"
WALK = {"preset": "recommended", "facets_by": "number", "facets": "4", "count": "40"}
SAVED = ["first-walk", "second-walk"]


@pytest.fixture
def own_cache(tmp_path, cache):
    """A run of its own for tests that save selections."""
    shutil.copytree(cache / "tiny", tmp_path / "tiny")
    return tmp_path


def frame(app, alt):
    return next(element.value for element in app.dataframe if element.proto.alt == alt)


def saved(run: Run, name: str) -> list[int]:
    return Selection.read(run.folder / "selections" / f"{name}.json", run).samples


def test_overlap_counts_what_is_shared(open_app, run):
    app = open_app(PAGE, compare=SAVED)
    selections = {name: saved(run, name) for name in SAVED}
    shown = frame(app, "intersections")
    assert shown["samples"].tolist() == memberships(selections)["samples"].tolist()
    pair = frame(app, "Overlap of every pair").iloc[0]
    assert pair["both"] == len(set(selections["first-walk"]) & set(selections["second-walk"]))


def test_gradients_are_those_of_the_selections(open_app, run):
    app = open_app(PAGE, compare=["(this walk)", "first-walk"], view="gradients", **WALK)
    shown = frame(app, "Measures of each selection").set_index("selection")
    walk = walks.walk(run, walk_preset("recommended", facets=4, count=40)).samples
    for name, samples in (("this walk", walk), ("first-walk", saved(run, "first-walk"))):
        profile = Profiler(run, "sgd")(samples)
        assert shown.loc[name, "coverage"] == pytest.approx(profile.coverage)
        assert shown.loc[name, "alignment"] == pytest.approx(profile.alignment)


def test_the_mix_is_of_each_selection(open_app, run):
    app = open_app(PAGE, compare=SAVED, view="mix")
    shown = frame(app, "mix-by-source").set_index("source")
    source = run.instructions["source"].iloc[saved(run, "first-walk")]
    assert shown.loc["first.jsonl", "first-walk"] == pytest.approx((source == "first.jsonl").mean())
    by_community = frame(app, "mix-by-community")
    assert by_community["pool"].sum() == pytest.approx(1)
    tokens = frame(app, "tokens").set_index("selection")
    assert (
        tokens.loc["second-walk", "sum"] == run.instructions["tokens"].iloc[saved(run, "second-walk")].sum()
    )


def test_other_budgets_ask_the_method_again(open_app, run):
    app = open_app(PAGE, compare=["first-walk"], view="budget")
    shown = frame(app, "against-budget")
    for _, row in shown.iterrows():
        again = walks.walk(run, walk_preset("recommended", facets=4, count=int(row["budget"]))).samples
        assert row["samples"] == len(again)
        assert row["coverage"] == pytest.approx(Profiler(run, "sgd")(again).coverage)
    assert shown["budget"].max() == 12


def test_the_grid_measures_against_the_current_walk(open_app, run):
    app = open_app(PAGE, view="sensitivity", **{**WALK, "delta": "0.9"})
    shown = frame(app, "sensitivity").set_index(["delta", "facets"])
    assert shown.loc[(0.9, 4), "overlap"] == 1
    alone = walks.walk(run, walk_preset("recommended", facets=1, count=40, delta=0.5)).samples
    here = walks.walk(run, walk_preset("recommended", facets=4, count=40, delta=0.9)).samples
    either = np.union1d(alone, here)
    assert shown.loc[(0.5, 1), "overlap"] == pytest.approx(len(np.intersect1d(alone, here)) / len(either))


def test_baselines_are_made_on_the_spot(open_app, own_cache):
    app = open_app(PAGE, folder=own_cache, compare=["first-walk"])
    app.number_input[0].set_value(9)
    next(button for button in app.button if button.label == "Add").click().run()
    assert not app.exception
    run = Run.open(own_cache / "tiny")
    assert len(saved(run, "random-9")) == len(saved(run, "round-robin-9")) == 9
    assert "random-9" in app.multiselect(key="compare").value
    assert "first-walk" in app.multiselect(key="compare").value
    next(box for box in app.multiselect if box.label == "Methods").set_value(["random", "rds_plus"])
    app.number_input[0].set_value(8)
    next(button for button in app.button if button.label == "Add").click().run()
    [error] = [error.value for place in app.get("popover") for error in place.error]
    assert (
        "--extras representations" in error.replace("`", "")
        and "random-8" in app.multiselect(key="compare").value
    )


@pytest.fixture
def evaluated(own_cache) -> Run:
    """A run with an evaluation of two selections, two seeds, two subtasks of three examples."""
    run = Run.open(own_cache / "tiny")
    folder = run.folder / "evaluations" / "test"
    folder.mkdir(parents=True)
    done = [
        FineTuning(selection=name, seed=seed, method=name, size=9, digest="0")
        for name in ("first-walk", "random")
        for seed in (0, 1)
    ]
    about = Evaluation(
        run=run.hash,
        model={},
        configuration=EvaluationConfig(),
        tests=[],
        leaks={"test apples in pool": 2, "test apples in validation": 0},
        fine_tunings=done,
    )
    (folder / "evaluation.json").write_text(about.model_dump_json())
    for one in done:
        worse = (one.selection == "random") + 0.1 * one.seed
        pd.DataFrame(
            {
                "target": "apples",
                "task": ["adding", "*counting*"] * 3,
                "example": range(6),
                "loss": np.arange(6) + worse,
                "answer": ["1"] * 6,
                "correct": [one.selection != "random"] * 6,
            }
        ).to_parquet(folder / one.file)
    return run


def test_results_are_those_of_the_evaluation(open_app, evaluated, own_cache):
    app = open_app(PAGE, folder=own_cache, view="results")
    shown = frame(app, "fine-tuning").set_index(["task", "selection"])
    assert shown.loc[("", "first-walk"), "loss"] == pytest.approx(2.5 + 0.05)
    assert shown.loc[("adding", "random"), "loss"] == pytest.approx(2 + 1.05)
    assert shown.loc[("", "first-walk"), "difference"] == pytest.approx(-1)
    assert shown.loc[("", "first-walk"), "exact"] == 1
    assert any("2 × `test apples in pool`" in warning.value for warning in app.warning)
    app.selectbox(key="subtask").set_value("adding").run()
    assert set(frame(app, "fine-tuning")["task"]) == {"adding"}
    assert not app.exception


def test_results_still_to_come_are_counted(open_app, evaluated, own_cache):
    (evaluated.folder / "evaluations" / "test" / "random-1.parquet").unlink()
    app = open_app(PAGE, folder=own_cache, view="results")
    assert any("3 of 4 fine-tunings are done" in caption.value for caption in app.caption)


@pytest.mark.parametrize("kind", ["truncate", "empty", "replace", "pipe"])
@pytest.mark.parametrize("name", ["evaluation.json", "random-1.parquet"])
def test_damaged_results_are_reported(open_app, evaluated, own_cache, kind, name):
    if (kind, name) == ("pipe", "random-1.parquet"):
        pytest.skip("what is no file counts as still to come")
    DAMAGE[kind](evaluated.folder / "evaluations" / "test" / name)
    app = open_app(PAGE, folder=own_cache, view="results")
    assert not app.exception
    assert any(name in block.value for block in [*app.error, *app.warning])


def test_an_evaluation_that_cannot_be_read_hides_no_other(open_app, evaluated, own_cache):
    other = evaluated.folder / "evaluations" / "other"
    shutil.copytree(other.with_name("test"), other)
    (other / "random-1.parquet").write_bytes(b"nothing")
    assert set(read_evaluations(evaluated)["evaluation"]) == {"test"}
    app = open_app(PAGE, folder=own_cache, view="results")
    assert any("random-1.parquet" in warning.value for warning in app.warning)
    assert not app.exception and len(frame(app, "fine-tuning"))
    (other / "evaluation.json").write_text("nothing")
    app.run()
    assert any("evaluation.json" in warning.value for warning in app.warning)
    assert any("evaluation.json" in warning.value for warning in open_app(PAGE, folder=own_cache).warning)
    assert (
        set(evaluations(evaluated)) == {"test"}
        and "evaluation.json" in read_results(evaluated).unreadable["other"]
    )


def test_without_results_the_command_is_shown(open_app):
    command = open_app(PAGE, view="results").code[0].value
    arguments = make_parser().parse_args(shlex.split(command)[1:])
    assert arguments.run == "tiny" and set(SAVED) <= set(arguments.selection)


def test_csv_holds_no_formula():
    frame = pd.DataFrame({"=a": ["=1+1", "b", None], "number": [-1.0, 2, 3]})
    assert safe_csv(frame).decode().splitlines() == ["'=a,number", "'=1+1,-1.0", "b,2.0", ",3.0"]


def test_what_cannot_be_compared_is_reported(open_app):
    app = open_app(PAGE, compare=["nowhere"])
    assert "compare=nowhere" in app.warning[0].value
    assert "Choose one or more" in app.info[0].value


def test_without_selections_the_walk_stands_alone(open_app, tmp_path):
    run = make_run(tmp_path / "bare", 60)
    shutil.rmtree(run.folder / "selections")
    app = open_app(PAGE, folder=tmp_path, view="gradients", **WALK)
    assert frame(app, "Measures of each selection")["selection"].tolist() == ["this walk"]
    assert any("Nothing is saved yet" in caption.value for caption in app.caption)


def test_a_click_on_a_cell_becomes_the_walk(page, server):
    page.goto(f"{server.url}/Compare?run=tiny&view=sensitivity&preset=recommended&facets=4&count=40")
    settle(page)
    chart = page.locator(".js-plotly-plot").first
    chart.scroll_into_view_if_needed()
    box = chart.locator(".scatterlayer .trace").first.locator(".point").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_timeout(300)
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_url("**delta=0.5**")
    assert "facets=1" in page.url
    settle(page)
    captions = page.locator("[data-testid=stCaptionContainer]").all_inner_texts()
    assert any("delta 0.5, number of groups 1, framed" in caption for caption in captions)


def test_selections_that_are_called_like_a_column(open_app, own_cache):
    run = Run.open(own_cache / "tiny")
    names = ["samples", "pool", "source", "task", "community", "others"]
    for start, name in enumerate(names):
        samples = np.flatnonzero(run.valid)[start : start + 20]
        Selection.of(run, samples, "by hand", {}).write(run.inside("selections", f"{name}.json"))
    for view in ("overlap", "mix"):
        app = open_app(PAGE, folder=own_cache, compare=names, view=view)
    shown = frame(app, "mix-by-source").set_index("source")
    source = run.instructions["source"]
    assert shown.loc["first.jsonl", "pool"] == pytest.approx((source == "first.jsonl").mean())
    assert shown.loc["first.jsonl", "pool (saved)"] == 1


def test_an_address_with_more_selections_than_the_box_holds(open_app, own_cache):
    run = Run.open(own_cache / "tiny")
    names = [f"hand-{place}" for place in range(MOST + 1)]
    for name in names:
        Selection.of(run, np.flatnonzero(run.valid)[:9], "by hand", {}).write(
            run.inside("selections", f"{name}.json")
        )
    app = open_app(PAGE, folder=own_cache, compare=["hand-1", *names])
    assert app.multiselect(key="compare").value == ["hand-1", "hand-0", *names[2:MOST]]


def test_another_basket_has_other_smaller_budgets(open_app, run):
    first, second = np.flatnonzero(run.valid)[:40], np.flatnonzero(run.valid)[[*range(12), *range(100, 128)]]
    app = open_app(PAGE, compare=["first-walk"])
    for samples in (first, second):
        app.session_state[f"basket of {run.hash}"] = samples.tolist()
        app.query_params["compare"], app.query_params["view"] = "basket", "budget"
        app.run()
        assert not app.exception
        shown = frame(app, "against-budget").set_index("budget")
        for count in shown.index:
            assert shown.loc[count, "coverage"] == pytest.approx(
                Profiler(run, "sgd")(samples[:count]).coverage
            )


def test_names_that_are_cut_to_the_same_keep_bars_of_their_own():
    names = ["pool", *(f"the-very-same-long-beginning-{end}" for end in "ab")]
    figure = shares_figure(pd.DataFrame({name: [0.5, 0.5] for name in names}, index=["one", "other"]))
    assert all(len(set(bar.y)) == len(names) for bar in figure.data)


def test_it_opens_with_the_walk_beside_other_selections_of_its_size(open_app, own_cache):
    run = Run.open(own_cache / "tiny")
    walk = walks.walk(run, walk_preset("recommended", facets=4, count=12)).samples
    others = np.flatnonzero(run.valid)
    Selection.of(run, walk[::-1], "by hand", {}).write(run.inside("selections", "copy.json"))
    Selection.of(run, others[:12], "by hand", {}).write(run.inside("selections", "as-many.json"))
    Selection.of(run, others[:7], "by hand", {}).write(run.inside("selections", "fewer.json"))
    app = open_app(PAGE, folder=own_cache, **{**WALK, "count": "12"})
    # first-walk and copy are this walk; second-walk and fewer are smaller.
    assert app.multiselect(key="compare").value == ["(this walk)", "as-many"]
    table = frame(app, "Verdict on each selection").set_index("selection")
    assert set(table.index) == {"this walk", "as-many"}
    assert any("validation examples well" in text for text in app.markdown.values)
    # A few that are gone from the pool, or a budget of a share of what is left, leave it worth comparing with.
    size = len(walks.walk(run, walk_preset("recommended", facets=4, count=40)).samples)
    for place, (more, alike) in enumerate(((-2, True), (0, True), (2, True), (-3, False), (4, False))):
        name = f"{'alike' if alike else 'unlike'}-{place}"
        selection = Selection.of(run, others[-size - more :], "by hand", {})
        selection.write(run.inside("selections", f"{name}.json"))
    large = open_app(PAGE, folder=own_cache, **WALK).multiselect(key="compare").value
    assert {name for name in large if "like" in name} == {"alike-0", "alike-1", "alike-2"} and size == 40
    assert "fewer" not in large
    for path in run.inside("selections").glob("*like-*"):
        path.unlink()
    other = open_app(PAGE, folder=own_cache, **{**WALK, "count": "30"})
    assert set(other.multiselect(key="compare").value) >= {"(this walk)", "second-walk", "fewer", "as-many"}


def test_one_click_adds_the_usual_baselines_to_a_walk_that_stands_alone(open_app, tmp_path):
    run = make_run(tmp_path / "bare", 60)
    shutil.rmtree(run.folder / "selections")
    app = open_app(PAGE, folder=tmp_path, **{**WALK, "count": "9"})
    app.button(key="usual baselines").click().run()
    assert not app.exception and not app.error, [error.value for error in app.error]
    names = ["round-robin-9", "less-9", "random-9"]
    assert app.multiselect(key="compare").value == ["(this walk)", *names]
    assert len(frame(app, "Verdict on each selection")) == 4
    assert all(len(saved(run, name)) == 9 for name in names)


def test_the_verdict_tells_the_measured_loss(open_app, evaluated, own_cache):
    about = evaluated.folder / "evaluations" / "test" / "evaluation.json"
    known = Evaluation.model_validate_json(about.read_text())
    samples = saved(evaluated, "first-walk")
    (own_cache / "tiny" / "selections" / "drawn.json").write_text(
        Selection.of(evaluated, np.arange(20, 29), "random", {}).model_dump_json()
    )
    digests = {"first-walk": digest(samples), "random": digest(range(20, 29))}
    done = [one.model_copy(update={"digest": digests[one.selection]}) for one in known.fine_tunings]
    about.write_text(known.model_copy(update={"fine_tunings": done}).model_dump_json())
    app = open_app(PAGE, folder=own_cache, compare=["first-walk", "drawn"])
    table = frame(app, "Verdict on each selection").set_index("selection")
    assert table.loc["first-walk", "loss"] == "2.550 ± 0.071"
    assert table.index[0] == "first-walk"
    told = "is better than `drawn` by 1.00 ± 0.00 (on 2 of 2 subtasks)"
    assert any(told in text for text in app.markdown.values)


def test_a_named_set_is_compared_like_a_selection(open_app, own_cache):
    run = Run.open(own_cache / "tiny")
    run.sets.write("first-walk", [30, 31, 32])
    app = open_app(PAGE, folder=own_cache, compare=["first-walk", "set:first-walk"])
    table = frame(app, "Verdict on each selection").set_index("selection")
    assert table.loc["set first-walk", "samples"] == 3 and len(table) == 2


def test_names_are_shown_literally_in_sentences():
    assert literal_words("a and a-b share 2", ["a", "a-b"]) == "`a` and `a-b` share 2"
    assert literal_words("this walk serves", ["this walk"]) == "this walk serves"


SLEEPER = "print('begun', flush=True); import time; time.sleep(60)"


@pytest.fixture
def tunable(own_cache) -> Run:
    """A run whose model is at hand; the command that fine-tunes only sleeps."""
    run = Run.open(own_cache / "tiny")
    model = own_cache / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    config = run.manifest.configuration
    changed = config.replace(model=config.model.replace(model=str(model)))
    text = run.manifest.model_copy(update={"configuration": changed}).model_dump_json()
    (run.folder / "manifest.json").write_text(text)
    return Run.open(run.folder)


def test_fine_tuning_is_checked_started_followed_cancelled_and_resumed(
    open_app, tunable, own_cache, monkeypatch
):
    tunable.sets.write("mine", range(30, 41))
    test = own_cache / "test.jsonl"
    test.write_text('{"question": "1 + 1?", "answer": "2"}\n')
    started = []

    def start(self, arguments):
        started.append(list(arguments))
        return real_start(self, [sys.executable, "-c", SLEEPER])

    real_start = Job.start
    monkeypatch.setattr(Job, "start", start)
    monkeypatch.setattr(
        fine_tuning, "check_lines", lambda run, asked: ["test test: 1 of 2 are left out: *no* tokens"]
    )
    app = open_app(PAGE, folder=own_cache, view="results", **WALK)
    app.multiselect(key="tune selections").set_value(["first-walk", "(this walk)", "set:mine"])
    app.text_input(key="tune test").set_value(str(test))
    app.text_input(key="tune budgets").set_value("9, 5")
    app.button(key="tune check").click().run()
    assert not app.exception and not app.error, [error.value for error in app.error]
    assert any("1 of 2 are left out" in text for text in app.markdown.values)
    next(button for button in app.button if button.label == "Start fine-tuning").click().run()
    (words,) = started
    assert words[1:4] == ["-m", "g2is", "evaluate"]
    arguments = make_parser().parse_args(words[3:])
    assert arguments.budgets == ["5", "9"] and arguments.seeds == "3" and arguments.method == ["random"]
    assert arguments.test == [f"test={test}"] and Path(arguments.cache) == own_cache
    assert arguments.selection == ["first-walk", "recommended-40"], "the walk was saved"
    assert arguments.set == ["mine"]
    job = tuning_job.job_of(tunable)
    try:
        again = open_app(PAGE, folder=own_cache, view="results", **WALK)  # as after a reload
        assert again.get("progress")[0].proto.text.startswith("Starting")
        assert not tuning_job.start(tunable, words[3:]), "one at a time"
        for _ in range(300):  # until it has said something, which a busy machine delays
            if job.log_lines():
                break
            time.sleep(0.1)
        again.button(key="cancel fine-tuning").click().run()
        for _ in range(100):
            if not job.running():
                break
            time.sleep(0.1)
    finally:
        job.cancel()
    stopped = open_app(PAGE, folder=own_cache, view="results", **WALK)
    assert any("ended before it was complete" in warning.value for warning in stopped.warning)
    assert "begun" in stopped.code[0].value
    next(button for button in stopped.button if button.label == "Forget it").click().run()
    assert not stopped.warning and tuning_job.last_words(tunable) is None
    assert len(started) == 1


def test_sizes_and_several_tests_become_words_of_the_command(own_cache):
    for name in ("a.jsonl", "b.jsonl"):
        (own_cache / name).write_text('{"question": "1 + 1?", "answer": "2"}\n')
    tests = tuning_check.tests_of(f"{own_cache / 'a.jsonl'}; sums={own_cache / 'b.jsonl'};")
    assert tests == (("a", own_cache / "a.jsonl"), ("sums", own_cache / "b.jsonl"))
    asked = tuning_job.Asked("x", ("first-walk",), tests, 2, sizes=sizes_of("all; 8,4"), by_target=True)
    read = make_parser().parse_args(asked.words(Run.open(own_cache / "tiny")))
    assert read.validation_sizes == ["4", "8", "all"] and read.by_target
    assert read.test == [f"a={own_cache / 'a.jsonl'}", f"sums={own_cache / 'b.jsonl'}"]
    for text in ("", " ; "):
        with pytest.raises(InputError, match="none is given"):
            tuning_check.tests_of(text)
    with pytest.raises(InputError, match=r"7 numbers, expected up to 6"):
        sizes_of("2 3 4 5 6 7 8")


def test_results_on_a_grid_say_what_they_show(open_app, own_cache):
    run = Run.open(own_cache / "tiny")
    folder = run.folder / "evaluations" / "sizes"
    folder.mkdir(parents=True)
    places = [("walk*", 8), ("walk*", 0), ("less", 8), ("less", 0), ("random", None)]
    tunings = [
        FineTuning(
            selection=f"{label}.v{size}-9", seed=seed, method="walk", size=9, digest="0",
            label=label, budget=9, validation=size,
        )
        for label, size in places
        for seed in (0, 1)
    ]  # fmt: skip
    about = Evaluation(
        run=run.hash, model={}, configuration=EvaluationConfig(), tests=[], leaks={}, fine_tunings=tunings
    )
    (folder / "evaluation.json").write_text(about.model_dump_json())
    for place, one in enumerate(tunings):
        shift = {"walk*": -1.0, "less": 0.0, "random": 0.0}[one.label] - (one.validation == 0)
        noise = np.random.default_rng(place).normal(0, 0.01, 40)
        rows = {"task": "", "example": range(40), "answer": "1", "correct": None}
        losses = np.arange(40) / 40 + 3 + shift + noise
        parts = [pd.DataFrame({"target": name, **rows, "loss": losses}) for name in ("apples", "pears")]
        pd.concat(parts).to_parquet(folder / one.file)
    app = open_app(PAGE, folder=own_cache, view="results")
    assert not app.exception and not app.error
    said = "\n".join(app.markdown.values)
    assert "`walk*` against `less`: better in 4 of 4; mean loss −" in said
    assert "`walk*`, all validation examples against 8: better in 2 of 2" in said
    shown = frame(app, "evaluation")
    assert len(shown) == 2 * len(places)
    assert shown[shown["method"] == "less"]["verdict"].tolist() == ["level", "better"] * 2
    assert set(shown["against"].dropna()) == {"random"}
    one = open_app(PAGE, folder=own_cache, view="results", tested="pears", against="less")
    shown = frame(one, "evaluation")
    assert set(shown["target"]) == {"pears"} and set(shown["against"].dropna()) == {"less"}


@pytest.mark.parametrize("text", ["", "12, x", "0", "1 2 3 4 5 6 7", "-3", "0%"])
def test_budgets_are_read_from_any_list(run, text):
    usable = int(run.valid.sum())
    assert budgets_of(run, "9; 30,9 50%") == tuple(sorted({9, 30, usable // 2}))
    if text:
        with pytest.raises(InputError, match=r"expected (up to 6|numbers of)|give a larger fraction"):
            budgets_of(run, text)
    else:
        assert budgets_of(run, text) == sizes_of(text) == ()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '["evaluate", "other", "--name", "x"]', '["rm", "tiny", "--name", "x"]']
)
def test_only_its_own_command_is_resumed(run, tmp_path, text):
    folder = tmp_path / "tiny"
    shutil.copytree(run.folder, folder)
    mine = Run.open(folder)
    (tmp_path / ".tiny.evaluation.json").write_text(text)
    assert tuning_job.last_words(mine) is None
    (tmp_path / ".tiny.evaluation.json").write_text(json.dumps(["evaluate", "tiny", "--name", "x"]))
    assert tuning_job.last_words(mine) == ["evaluate", "tiny", "--name", "x"]
