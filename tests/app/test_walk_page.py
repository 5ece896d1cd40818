"""The walk page: what it shows is what the walk says, and a link brings it back."""

from dataclasses import replace
from typing import Literal, get_args, get_origin

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from g2is.analysis import walks
from g2is.analysis.budget_curve import budget_curve, flattens_at
from g2is.analysis.budgets import rebalance
from g2is.analysis.candidates import candidates_at
from g2is.analysis.effects import effect
from g2is.analysis.served import pool_service, served
from g2is.analysis.steps import step_views
from g2is.analysis.why_not import why_not
from g2is.app.shared.labels import FIELDS, VALUES, in_labels, value_text
from g2is.app.walk.effects import MEANING, effect_words
from g2is.app.walk.parameters import read_rows
from g2is.cli import main
from g2is.config import WalkParameters, walk_preset
from g2is.errors import InputError
from g2is.instructions.snippet import snippet
from g2is.run.selections import Selection
from g2is.walk import ORIGINS, explain
from tests.app.tiny_run import INVALID, VALIDATION, make_run
from tests.records import saved_trace

PAGE = "4_Walk"
LINK = {
    **{"preset": "recommended", "count": "60"},
    # A walk in the full sense: groups of validation samples, one after the other, from neighbour to neighbour.
    **{"facets_by": "number", "order": "sequential", "knowledge_coherence": "True"},
}


def metric(app, label):
    return next(metric.value for metric in app.metric if metric.label == label)


def parameters(**changes):
    steps = {"facets_by": "number", "order": "sequential", "knowledge_coherence": True}
    return walk_preset("recommended", **{"count": 60, **steps, **changes})


def test_moving_delta_walks_again(open_app, run):
    app = open_app(PAGE, **LINK)
    assert metric(app, "Instructions chosen") == f"{len(walks.walk(run, parameters()).steps)} of 60"
    app.slider(key="delta").set_value(0.99).run()
    taken = len(walks.walk(run, parameters(delta=0.99)).steps)
    assert metric(app, "Instructions chosen") == f"{taken} of 60"
    assert taken < 60, "a run in which delta matters"
    assert app.query_params["delta"] == "0.99"


def test_what_the_paper_does_not_have_is_in_the_panel(open_app, run):
    more = {"facets_by": "each", "order": "in_turn", "consistency_reference": "best", "max_cosine": "0.9"}
    app = open_app(PAGE, **{**LINK, **more})
    trace = walks.walk(run, parameters(**more))
    assert metric(app, "Instructions chosen") == f"{len(trace.steps)} of 60"
    for name in ("facets_by", "order", "consistency_reference"):
        assert app.selectbox(key=name).value == more[name]
    assert app.number_input(key="max_cosine").value == 0.9
    app.number_input(key="max_cosine").set_value(0.2).run()
    trace = walks.walk(run, parameters(**{**more, "max_cosine": 0.2}))
    assert metric(app, "Instructions chosen") == f"{len(trace.steps)} of 60"
    step = int(np.flatnonzero(np.bincount(trace.rejections.step[trace.rejections.rule == 4]))[0])
    app = open_app(PAGE, **{**LINK, **more, "max_cosine": "0.2"}, step=str(step))
    considered = {row.verdict: row.why for row in step_views(run, trace, step, 1)[0].considered}
    assert "above 0.2" in considered["redundant"]
    app.segmented_control(key="below").set_value("step").run()
    table = next(frame.value for frame in app.dataframe if "verdict" in frame.value)
    assert "✕ too similar" in set(table["verdict"])
    assert table["why"].str.contains("above 0.2").any()


def test_the_papers_values_come_with_what_was_measured_of_them(open_app):
    def measured(**query: str) -> bool:
        return any("worse than a random draw" in text.value for text in open_app(PAGE, **query).caption)

    assert measured(preset="official") and not measured() and not measured(preset="recommended")


def test_the_app_starts_where_the_command_line_does(open_app, run, tmp_path):
    file = tmp_path / "walk.json"
    assert main(["walk", str(run.folder), "--fraction", "0.05", "--output", str(file)]) == 0
    by_command = Selection.read(file, run).samples
    by_hand = open_app(PAGE)
    assert by_hand.session_state["walked"].trace.samples.tolist() == by_command
    assert any(text.value.startswith("**Recommended**: ") for text in by_hand.markdown)
    assert "preset" not in by_hand.query_params
    assert open_app("1_Map").session_state["walked"].trace.samples.tolist() == by_command
    named = open_app(PAGE, preset="recommended").session_state["walked"]
    assert named.parameters == by_hand.session_state["walked"].parameters


def test_a_link_to_the_papers_settings_still_has_them(open_app, run):
    app = open_app(PAGE, preset="official")
    settings = walk_preset("official", fraction=0.05, regime="sgd")
    assert app.session_state["walked"].parameters == settings, "the run keeps plain gradients alone"
    assert any(text.value.startswith("**Paper's original settings**: ") for text in app.markdown)


def test_every_setting_and_value_has_words():
    assert set(FIELDS) == set(WalkParameters.model_fields)
    choices = {
        name: get_args(field.annotation)
        for name, field in WalkParameters.model_fields.items()
        if get_origin(field.annotation) is Literal
    }
    assert {name: tuple(words) for name, words in VALUES.items()} == choices
    for name, values in choices.items():
        assert not {value_text(name, value) for value in values} & set(values)
    assert [value_text("orient", value) for value in (True, False)] == ["on", "off"]


def test_a_preset_is_one_click_away_and_keeps_pins(open_app):
    app = open_app(PAGE, preset="recommended", count="60", delta="0.95", pins="3")
    assert any(
        text.value == "**Recommended**, edited: exact number, alignment to keep (delta)"
        for text in app.markdown
    )
    app.button(key="reset to recommended").click().run()
    assert app.slider(key="delta").value == 0.8
    assert app.query_params == {"run": "tiny", "pins": "3"}
    app.button(key="reset to official").click().run()
    assert app.selectbox(key="knowledge").value == "principal"
    assert app.query_params == {"run": "tiny", "preset": "official", "pins": "3"}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("delta", "1.7", "expected less than or equal to 1"),
        ("delta", "nan", "expected a finite number"),
        ("regime", "adamw", "expected 'adam', 'adam_without_momentum', 'sgd' or 'whitened'"),
        ("count", "many", "expected a valid integer"),
        ("component_budgets", "3;4", "expected whole numbers"),
        ("preset", "best", "expected one of"),
        ("step", "61", "expected a whole number from 0 to"),
        ("sources", "third.jsonl", "expected one of"),
    ],
)
def test_a_bad_value_in_a_link_is_said(open_app, name, text, said):
    app = open_app(PAGE, **{**LINK, name: text})
    warning = next(warning.value for warning in app.warning if f"{name}={text}" in warning.value)
    assert said in warning.replace("`", "")


def test_parameters_that_do_not_fit_are_said_and_the_walk_before_stays(open_app):
    app = open_app(PAGE, **LINK)
    before = metric(app, "Instructions chosen")
    app.text_input(key="pins").set_value(str(INVALID)).run()
    assert f"instruction {INVALID} has no valid gradient" in app.error[0].value
    assert metric(app, "Instructions chosen") == before
    app.text_input(key="pins").set_value("one").run()
    assert "`'one'` is not a row number" in app.error[0].value
    app.text_input(key="pins").set_value("").run()
    assert not app.error


def test_a_link_brings_every_parameter_back(open_app, run):
    changes = {
        "facets": 3,
        "delta": 0.9,
        "conflict_threshold": 0.05,
        "neighbors": 5,
        "knowledge_coherence": False,
        "unspent": "pass_on",
        "pins": (11, 12),
        "bans": (20,),
        "only": tuple(range(10, 125)),
        "sources": ("first.jsonl",),
    }
    url = {name: str(value) for name, value in changes.items()}
    url |= {"pins": "11, 12", "bans": "20", "sources": "first.jsonl"}
    url["only"] = ", ".join(map(str, changes["only"]))
    app = open_app(PAGE, **{**LINK, **url})
    trace = walks.walk(run, parameters(**changes))
    assert not app.warning
    assert app.session_state["walked"].parameters == trace.parameters
    assert np.array_equal(app.session_state["walked"].trace.samples, trace.samples)
    assert parameters_elsewhere({**LINK, **url}, run) == trace.parameters


def parameters_elsewhere(url, run):
    """The settings of the walk as a page without the panel reads them."""

    def page(folder):
        import streamlit as st

        from g2is.app.walk.parameters import parameters_in_url
        from g2is.run.run import Run

        st.session_state["read"] = parameters_in_url(Run.open(folder))

    app = AppTest.from_function(page, args=(str(run.folder),))
    for name, value in url.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception, app.exception
    return app.session_state["read"]


def test_settings_of_the_walk_are_the_same_without_the_panel(open_app, run):
    assert parameters_elsewhere({}, run) == open_app(PAGE).session_state["walked"].parameters
    shares = parameters_elsewhere({"target.apples": "0.5", "component_budgets": "3,4"}, run)
    assert shares.targets == {"apples": 0.5}
    assert shares.component_budgets == (3, 4)


def test_budgets_by_component_come_from_the_link_and_go_back_to_weights(open_app, run):
    app = open_app(PAGE, **LINK, component_budgets="2,20,8,30")
    assert app.session_state["walked"].trace.budgets.tolist() == [2, 20, 8, 30]
    assert app.number_input(key="count").disabled
    app.button(key="by weight").click().run()
    assert np.array_equal(app.session_state["walked"].trace.budgets, walks.walk(run, parameters()).budgets)


@given(st.lists(st.integers(0, 300), min_size=1, max_size=20), st.data())
def test_rebalanced_budgets_keep_their_sum(budgets, data):
    component = data.draw(st.integers(0, len(budgets) - 1))
    wanted = data.draw(st.integers(0, 400))
    result = rebalance(budgets, component, wanted)
    assert sum(result) == sum(budgets) and min(result) >= 0
    if len(budgets) > 1:
        assert result[component] == min(wanted, sum(budgets))


def test_row_numbers_in_any_list():
    assert read_rows(" 3, 17\n#204;3 ") == (3, 17, 204)
    assert read_rows("") == ()
    with pytest.raises(InputError, match="'-1' is not a row number"):
        read_rows("-1")


def test_a_step_shows_its_sample_and_where_it_came_from(open_app, run):
    trace = walks.walk(run, parameters())
    step = int(np.flatnonzero(trace.steps.origin == ORIGINS.index("neighbor"))[0])
    app = open_app(PAGE, **LINK, step=str(step), below="step")
    texts = [text.value for text in app.markdown]
    assert any(text.startswith(f"**Instruction {trace.steps.sample[step]}**") for text in texts)
    assert any(
        text.startswith("● **Neighbour**") and f"{trace.steps.previous[step]}, the one chosen before" in text
        for text in texts
    )


def test_candidates_broke_the_rule_they_are_said_to_break(run):
    """Each step's list against the rules, written out; anchors and fallbacks too."""
    anchor = int(walks.walk(run, parameters()).steps.sample[0])
    settings = parameters(delta=0.97, bans=(anchor,))
    trace = walks.walk(run, settings)
    gradients = run.regime("sgd").gradients.astype(np.float32)
    knowledge = walks.core_knowledge(run, settings)
    seen = set()
    for step in range(len(trace.steps)):
        found = candidates_at(run, trace, step)
        component = trace.steps.component[step]
        earlier = trace.steps.sample[:step]
        members = gradients[earlier[trace.steps.component[:step] == component]]
        direction = knowledge.components[component]
        for row in [*found.neighbors, *found.pool]:
            seen.add(row.verdict)
            conflict = bool(len(members)) and (members @ gradients[row.sample]).min() < 0
            if row.verdict == "chosen":
                assert row.sample == trace.steps.sample[step]
                assert not conflict
            elif row.verdict == "taken":
                assert row.sample in earlier
            elif row.verdict == "left_out":
                assert row.sample == anchor
            elif row.verdict == "conflict":
                assert conflict
            else:
                total = members.sum(axis=0)
                old = total @ direction / np.linalg.norm(total)
                total = total + gradients[row.sample]
                assert total @ direction / np.linalg.norm(total) < 0.97 * old + 1e-5
    assert seen == {"chosen", "taken", "left_out", "conflict", "consistency"}


def samples_and_verdicts(candidates):
    return [(row.sample, row.verdict) for row in candidates]


@pytest.mark.parametrize("changes", [{"delta": 0.0}, {"consistency": False}])
def test_candidates_are_judged_by_their_numbers(run, changes):
    """Steps of a strict walk beside looser rules: what the strict ones rejected for consistency passes these, and is
    not what was taken."""
    strict = walks.walk(run, parameters(delta=0.97))
    loose = replace(strict, parameters=parameters(**changes))
    passing = 0
    for step in np.flatnonzero(strict.steps.origin == ORIGINS.index("fallback")):
        before, after = (candidates_at(run, trace, int(step)) for trace in (strict, loose))
        for pair in ((before.neighbors, after.neighbors), (before.pool, after.pool)):
            was, now = (
                pd.DataFrame(rows, columns=["sample", "verdict"]) for rows in map(samples_and_verdicts, pair)
            )
            looser = was["verdict"] == "consistency"
            assert now["verdict"][looser].eq("tied").all()
            assert now["verdict"][~looser].equals(was["verdict"][~looser])
            passing += int(looser.sum())
        for found in (before, after):
            assert [row.verdict for row in found.pool].count("chosen") == 1
    assert passing > 0


def test_why_a_sample_is_in_or_not(open_app, run):
    trace = walks.walk(run, parameters())
    regime = run.regime("sgd")
    knowledge = walks.core_knowledge(run, trace.parameters)
    rest = np.setdiff1d(np.flatnonzero(run.valid), trace.samples)
    app = open_app(PAGE, **LINK, focus=str(trace.samples[9]), below="why")
    assert any(
        text.value.startswith(f"Instruction {trace.samples[9]}. Taken at step 10 for") for text in app.text
    )
    app.button(key="go to step").click().run()
    assert app.query_params["step"] == "9"
    app.text_input(key="why").set_value(str(rest[0])).run()
    assert app.query_params["focus"] == str(rest[0])
    explanation = explain(trace, int(rest[0]), regime.gradients, regime.neighbors, knowledge, valid=run.valid)
    shown = next(frame.value for frame in app.dataframe if "in words" in frame.value)
    assert sorted(shown["in words"]) == sorted(verdict.text for verdict in explanation.verdicts)
    closest = max(explanation.verdicts, key=lambda verdict: verdict.affinity)
    said = next(text.value for text in app.text if text.value.startswith(f"Instruction {rest[0]}. "))
    assert f"Its closest direction is {closest.component}, " in said
    app.text_input(key="why").set_value("QUESTION 123:").run()
    app.selectbox(key="why found").set_value(123).run()
    assert app.query_params["focus"] == "123"
    app.text_input(key="why").set_value("999").run()
    assert "There is no instruction `999`" in app.warning[0].value


def test_pinning_and_banning_by_button(open_app, run):
    app = open_app(PAGE, **LINK, step="4", below="step")
    sample = int(walks.walk(run, parameters()).samples[4])
    app.button(key="step bans").click().run()
    assert app.query_params["bans"] == str(sample)
    assert sample not in app.session_state["walked"].trace.samples
    app.segmented_control(key="below").set_value("why").run()
    app.text_input(key="why").set_value(str(sample)).run()
    assert any(
        text.value == f"Instruction {sample}. It can never be taken: it is banned." for text in app.text
    )
    app.button(key="why pins").click().run()
    assert app.query_params["pins"] == str(sample) and "bans" not in app.query_params
    assert app.session_state["walked"].trace.samples[0] == sample


def test_a_change_says_what_it_changed(open_app, run):
    app = open_app(PAGE, **LINK)
    app.session_state["status change"] = True
    assert not any("since the last change" in part.proto.popover.label for part in popovers(app))
    app.slider(key="delta").set_value(0.99).run()
    before, after = walks.walk(run, parameters()).samples, walks.walk(run, parameters(delta=0.99)).samples
    came, left = np.setdiff1d(after, before), np.setdiff1d(before, after)
    opening = f"since the last change: +{len(came)} −{len(left)}"
    assert opening in [part.proto.popover.label for part in popovers(app)]
    said = next(text.value for text in app.markdown if "Compared with your last walk" in text.value)
    assert "(alignment to keep (delta) 0.8 → 0.99)" in said
    assert f"**{len(came)} added**, **{len(left)} removed**, {len(after) - len(came)} kept" in said
    listed = {
        tuple(sorted(frame.value["sample"])): frame.value["text"].tolist()
        for frame in app.dataframe
        if list(frame.value)[:2] == ["sample", "text"]
    }
    texts = listed[tuple(sorted(left.tolist()))]
    assert texts == [snippet(text) for text in run.prompts([row for row in before if row in left])]
    app.run()
    assert opening in [part.proto.popover.label for part in popovers(app)], "it stays until the next change"


def test_the_share_of_the_pool_is_said_in_per_cent(open_app):
    app = open_app(PAGE, preset="recommended", fraction="0.07")
    share = app.number_input(key="per cent")
    assert (share.value, share.label) == (7.0, "Budget in % of the pool")
    share.set_value(29.0).run()
    assert app.query_params["fraction"] == "0.29"
    assert app.number_input(key="per cent").value == 29.0
    assert app.session_state["walked"].parameters.fraction == 0.29
    app.number_input(key="per cent").set_value(5.0).run()
    assert "fraction" not in app.query_params


def test_fewer_facets_than_asked_for_are_explained(open_app):
    """12 validation samples: at most 4 facets."""
    said = "4 directions, although 32 groups are set"
    assert any(said in caption.value for caption in open_app(PAGE, **LINK).caption)
    assert not any(
        "groups are set" in caption.value for caption in open_app(PAGE, **LINK, facets="4").caption
    )


def test_shares_of_several_targets(open_app, tmp_path):
    run = make_run(tmp_path / "two", targets=("apples", "pe*a*rs"))
    app = open_app(PAGE, folder=tmp_path, **LINK)
    by_size = app.session_state["walked"].trace
    assert [by_size.budgets[np.array(by_size.targets) == name].sum() for name in ("apples", "pe*a*rs")] == [
        30,
        30,
    ]
    app.number_input(key="target.apples").set_value(3.0).run()
    app.number_input(key="target.pe*a*rs").set_value(1.0).run()
    assert app.query_params["target.apples"] == "3.0"
    walk = app.session_state["walked"]
    assert walk.parameters.targets == {"apples": 3.0, "pe*a*rs": 1.0}
    budgets = walk.trace.budgets
    assert [budgets[np.array(walk.trace.targets) == name].sum() for name in ("apples", "pe*a*rs")] == [45, 15]
    assert np.array_equal(
        walk.trace.samples, walks.walk(run, parameters(targets={"apples": 3.0, "pe*a*rs": 1.0})).samples
    )
    app.number_input(key="target.apples").set_value(0.0).run()
    assert set(app.session_state["walked"].trace.targets) == {"pe*a*rs"}
    assert "expected a number" in open_app(PAGE, folder=tmp_path, **{"target.apples": "-1"}).warning[0].value


def test_the_name_for_saving_is_suggested(open_app, run, cache):
    app = open_app(PAGE, **LINK)
    taken = len(walks.walk(run, parameters()).steps)
    name = f"recommended-{taken}"
    assert app.text_input(key="save as").value == name
    next(button for button in app.button if button.label == "Save").click().run()
    path = cache / "tiny" / "selections" / f"{name}.json"
    try:
        assert Selection.read(path, run).samples == walks.walk(run, parameters()).samples.tolist()
        assert any(f"saved as `{name}`" in text.value for text in app.markdown)
        app.run()
        assert app.text_input(key="save as").value == name and not app.error
        app.selectbox(key="unspent").set_value("pass_on").run()
        assert not any("are saved as" in text.value for text in app.markdown)
        assert (
            app.text_input(key="save as").value
            == f"recommended-{len(app.session_state['walked'].trace.steps)}-2"
        )
        app.text_input(key="save as").set_value("my walk")
        next(button for button in app.button if button.label == "Save").click().run()
        assert "expected up to 80 letters" in app.error[0].value
        app.slider(key="delta").set_value(0.9).run()
        assert app.text_input(key="save as").value == "my walk", "what was typed stays"
    finally:
        path.unlink(missing_ok=True)


def test_saving_and_comparing(open_app, run, cache):
    app = open_app(PAGE, **LINK)
    save = next(button for button in app.button if button.label == "Save")
    app.text_input(key="save as").set_value("../out")
    save.click().run()
    assert "expected up to 80 letters" in app.error[0].value
    app.text_input(key="save as").set_value("walk-page")
    next(button for button in app.button if button.label == "Save").click().run()
    path = cache / "tiny" / "selections" / "walk-page.json"
    trace = walks.walk(run, parameters())
    try:
        assert Selection.read(path, run).samples == trace.samples.tolist()
        assert saved_trace(path).parameters == trace.parameters
        app = open_app(PAGE, **LINK, before="first-walk", after="walk-page")
        first = Selection.read(path.with_name("first-walk.json"), run).samples
        both = len(set(first) & set(trace.samples.tolist()))
        assert metric(app, "In both") == str(both)
        assert metric(app, "Removed") == str(len(first) - both)
        assert metric(app, "Added") == str(len(trace.samples) - both)
    finally:
        path.unlink(missing_ok=True)


@pytest.mark.parametrize("below", ["numbers", "steps", "step", "served", "budget", "why", "compare"])
def test_every_subject_below_the_screen_opens(open_app, run, below):
    app = open_app(PAGE, **LINK, below=below, step="3", focus="30")
    frames = [list(frame.value) for frame in app.dataframe]
    expected = {"steps": "alignment after", "step": "verdict", "served": "best in pool", "budget": "coverage"}
    if below in expected:
        assert any(expected[below] in columns for columns in frames)
    if below == "steps":
        table = next(frame.value for frame in app.dataframe if "alignment after" in frame.value)
        assert table["sample"].tolist() == walks.walk(run, parameters()).samples.tolist()


def test_the_status_line_says_what_the_walk_gives(open_app, run):
    app = open_app(PAGE, preset="recommended", count="12")
    labels = [element.proto.popover.label for element in popovers(app)]
    trace = walks.walk(run, walk_preset("recommended", count=12))
    serving = served(
        pool_service(run.regime("sgd"), run.valid, np.arange(VALIDATION)), run.regime("sgd"), trace.samples
    )
    assert any(label.startswith(f"served {serving.count('well')} of 12 examples well") for label in labels)
    assert any(label.startswith("like round robin 1") and label.endswith("/12") for label in labels)
    assert "Budget 12" in labels
    assert any(text.value == "**12 of 12 taken**" for text in app.markdown)


def popovers(app):
    return [block for block in blocks(app.main) if block.type == "popover"]


def blocks(block):
    for child in block.children.values():
        if hasattr(child, "children"):
            yield child
            yield from blocks(child)


def test_the_status_line_says_what_pins_cost(open_app, run):
    free = walks.walk(run, walk_preset("recommended", count=VALIDATION))
    app = open_app(PAGE, preset="recommended", count=str(VALIDATION), pins=str(free.samples[3]))
    held = walks.walk(run, walk_preset("recommended", count=VALIDATION, pins=(int(free.samples[3]),)))
    lost = np.flatnonzero(held.budgets == 0).tolist()
    assert len(lost) == 1
    assert any(f"so that example **{lost[0]}** has no place" in text for text in app.markdown.values)
    assert "1 pinned: 1 example loses a place" in [
        place.proto.popover.label for place in app.get("popover") if place.proto.popover.label
    ]


def test_a_flat_budget_is_one_click_away(open_app, run):
    app = open_app(PAGE, **LINK, below="budget")
    curve = budget_curve(run, walks.walk(run, parameters()))
    flat = int(flattens_at(curve)["count"])
    if flat != 60:
        app.button(key="use budget curve").click().run()
        assert app.query_params["count"] == str(flat)


def test_no_budget_is_advised_where_coverage_is_full_by_design(open_app, run):
    app = open_app(PAGE, preset="recommended", below="budget")
    assert any(f"its own after **{VALIDATION}**" in text.value for text in app.markdown)
    assert not [button for button in app.button if button.key == "use budget curve"]


def test_a_popover_that_is_open_says_what_its_settings_would_do(open_app, run):
    app = open_app(PAGE, **LINK)
    assert not any(text.value.startswith("off: ") for text in app.caption), "nothing is computed before"
    app.session_state["settings Rules"] = True
    app.run()
    samples = walks.walk(run, parameters()).samples
    without = effect_words(effect(run, parameters(), samples, parameters(no_conflict=False)))
    assert any(text.value == f"off: {without}" for text in app.caption)
    assert MEANING in [text.value for text in app.caption], "what such figures mean"


def test_a_budget_of_nothing_is_not_taken_over(open_app):
    app = open_app(PAGE, fraction="0.1")
    app.number_input(key="per cent").set_value(0.0).run()
    assert app.query_params["fraction"] == "0.1" and app.number_input(key="per cent").value == 10
    assert any("0 % is no instruction at all" in caption.value for caption in app.caption)
    assert not app.warning and not app.error
    app.number_input(key="per cent").set_value(0.01).run()
    assert app.error[0].value.startswith("Budget 0.01 %: of 249 valid instructions that is 0")
    assert app.number_input(key="per cent").value == 0.01 and "fraction =" not in app.error[0].value


def test_boxes_of_whole_numbers_have_the_range_of_their_field(open_app):
    app = open_app(PAGE, **LINK)
    assert {
        box.key: box.min for box in app.number_input if box.key in ("count", "neighbors", "facets", "seed")
    } == {
        **{"count": 1, "neighbors": 1, "facets": 1},
        "seed": 0,
    }


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("count = 5,000: the pool has 3,000", "Exact number 5,000: the pool has 3,000"),
        ("pins: 'one' is not a row number", "Pinned: 'one' is not a row number"),
        (
            "max_cosine = 0.1: below conflict_threshold = 0.2, so",
            f"{FIELDS['max_cosine']} 0.1: below minimum similarity to chosen instructions 0.2, so",
        ),
        ("instruction 5 is both pinned and banned", "instruction 5 is both pinned and banned"),
    ],
)
def test_messages_have_the_names_on_screen(message, said):
    assert in_labels(message) == said


def test_settings_without_effect_say_so_where_they_are_set(open_app):
    app = open_app(PAGE, preset="recommended", count="12")
    [said] = [text.value for text in app.caption if text.value.startswith("No effect here: ")]
    assert said.startswith("No effect here: consistency, no conflict, ") and "delta" in said, (
        "two rules and their settings"
    )
    assert said.count("No direction takes more than one instruction") == 1


@pytest.mark.parametrize("page", ["1_Map", "5_Instructions", "2_Neighbourhood"])
def test_why_not_is_answered_wherever_an_instruction_is_read(open_app, run, page):
    trace = walks.walk(run, walk_preset("recommended", count=12))
    left = next(row for row in range(30, 120) if row not in trace.samples)
    for sample, begins in (
        (int(trace.samples[2]), "Taken at step 3 "),
        (left, "Not in the walk. Its closest "),
    ):
        app = open_app(page, count="12", focus=str(sample))
        said = next(text.value for text in app.text if text.value.startswith(begins))
        assert why_not(run, trace, sample).text in said
