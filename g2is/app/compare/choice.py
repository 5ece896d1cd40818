"""The choice of selections on the Compare page, and adding baselines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from g2is.analysis.regimes import regime_in_words
from g2is.analysis.verdict import like_in_size
from g2is.app.shared import (
    SET,
    all_texts,
    choices,
    in_url,
    link_to,
    literal,
    number,
    one_of,
    put_in_url,
    read_selection,
    saved_selections,
    show_changes,
    show_error,
)
from g2is.app.shared.labels import REGIME_NAMES
from g2is.app.shared.visitor import READ_ONLY, may_write
from g2is.app.shared.walked import walked
from g2is.app.walk.parameters import parameters_in_url
from g2is.config import RegimeName
from g2is.errors import InputError
from g2is.evaluation.candidates import at_budget
from g2is.run.paths import selection_file
from g2is.run.run import Run
from g2is.run.selections import Selection, select
from g2is.selectors import METHODS

THIS = "(this walk)"
"""Stands for the walk with the settings in the URL among the names of saved selections."""


COLUMNS = {"pool", "samples", "source", "task", "community", "others", "this walk"}
"""Other columns of tables and charts; a selection of such a name is shown as “… (saved)”."""

MOST = 8
"""Selections side by side, at most; charts cannot tell more apart."""
LOOKED_AT = 20
"""Selections that are read to find some worth comparing with."""


@dataclass(frozen=True, eq=False)
class Compared:
    """One selection on the page. label: its name as it may be shown."""

    label: str
    selection: Selection

    @property
    def samples(self) -> list[int]:
        return self.selection.samples

    def with_budget(self, run: Run) -> Callable[[int], Sequence[int]]:
        """Selects with the same method and another budget; the first samples of a selection made by hand."""
        return at_budget(run, self.selection)


def choose_selections(run: Run) -> list[Compared]:
    """The box of selections, and the button that makes baselines; what is chosen, the walk first."""
    labels = {THIS: "this walk", **choices(run)}
    names = list(labels)
    labels |= {name: f"{name} (saved)" for name in names if name in COLUMNS}
    asked, filled = all_texts().get("compare", []), f"compare filled {run.hash}"
    if "compare" not in all_texts() and filled not in st.session_state:
        # A link must not depend on what else is saved when it is opened.
        put_in_url(compare=sensible_choice(run, [name for name in names if not name.startswith(SET)]))
    elif asked != (few := list(dict.fromkeys(asked))[:MOST]):
        # The box can hold no more, and none twice.
        put_in_url(compare=few)
    st.session_state[filled] = True
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.multiselect(
            "Selections side by side",
            names,
            format_func=lambda name: labels[name],
            max_selections=MOST,
            placeholder="choose one or more",
            help="This walk: with the settings of the Walk page. Then saved selections, named sets, and the basket.",
            **in_url("compare", [], one_of(names)),
        )
        with st.popover("Add baselines", icon=":material/add:"):
            _add_baselines(run)
    selections = []
    for name in chosen:
        try:
            selections.append(Compared(labels[name], read(run, name)))
        except InputError as error:
            show_error(error)
    show_changes(run, {one.label: one.selection for one in selections})
    if gradients := gradients_text({one.label: one.selection.parameters for one in selections}):
        st.caption(f":material/info: {gradients}")
    if not saved_selections(run):
        st.caption("Nothing is saved yet. Add baselines here, or save walks on the Walk page.")
        link_to("Walk", "Go to the Walk page")
    if len(selections) == 1 and selections[0].samples:
        _offer_baselines(run, len(selections[0].samples))
    return selections


def gradients_text(settings: Mapping[str, Mapping[str, Any]]) -> str:
    """Which gradients each selection was chosen by, in Markdown; empty where all have the same. settings: of each."""
    by: dict[str, list[str]] = {}
    for name, values in settings.items():
        if (regime := values.get("regime")) in REGIME_NAMES:
            by.setdefault(regime_in_words(str(regime)), []).append(literal(name))
    if len(by) < 2:
        return ""
    said = "; ".join(f"{regime}: {', '.join(names)}" for regime, names in by.items())
    return f"Not all are chosen by the same gradients, and by others a method chooses otherwise. By {said}."


def sensible_choice(run: Run, names: Sequence[str]) -> list[str]:
    """What the page opens with: the walk, and what is saved with other instructions, of like size if there is any.

    names: of the box, saved ones the newest first.
    """
    known: list[set[int]] = []
    like: list[str] = []
    others: list[str] = []
    for name in names[:LOOKED_AT]:
        try:
            samples = set(read(run, name).samples)
        except InputError:
            continue
        if not samples or samples in known:
            continue
        known.append(samples)
        if name != THIS:
            (like if THIS in names and like_in_size(len(samples), len(known[0])) else others).append(name)
    return [THIS, *(like or others)[: MOST - 2]]


def _offer_baselines(run: Run, budget: int) -> None:
    """One button that adds what others would choose, where one selection stands alone."""
    methods = [name for name in USUAL if name in METHODS]
    st.button(
        f"Compare with round robin, LESS and random at the same budget ({number(budget)})",
        icon=":material/add:",
        type="primary",
        key="usual baselines",
        on_click=_add_usual,
        args=(run, methods, budget),
    )


def _add_usual(run: Run, methods: Sequence[str], budget: int) -> None:
    """Add these baselines; a callback."""
    for error in _save_baselines(run, methods, budget):
        show_error(error)


def read(run: Run, name: str) -> Selection:
    if name != THIS:
        return read_selection(run, name)
    trace = walked(run, parameters_in_url(run)).trace
    return Selection.of(run, trace.samples, "walk", trace.parameters.model_dump())


PROBLEMS = "baseline problems"
"""Where it waits for the popover to say which baselines could not be added, and why."""
USUAL = ("round_robin", "less", "random")
BASELINES = {
    "random": "random: a draw by chance, what every method has to beat",
    "length": "length: the longest answers",
    "round_robin": "round robin: each validation example in turn takes its most similar free instruction",
    "less": "LESS: most similar to a subtask of the validation examples",
    "bids": "BIDS: always the instruction that adds most for the validation example served least",
    "tracin": "TracIn: largest products with the gradients of a subtask",
    "gist": "GIST: most similar inside the subspace of the validation gradients",
    "rds_plus": "RDS+: most similar hidden states, validation examples in turn",
    "tagcos": "TAGCOS: clusters of gradients, without a look at the target",
    "gradfiltering": "GradFiltering: steady gradients over several adapters",
    "semantic": "semantic: most similar in what the texts mean",
}


def _add_baselines(run: Run) -> None:
    """A form that runs other methods with one budget and saves what they choose."""
    if not may_write():
        st.caption(f":material/lock: {READ_ONLY}")
        return
    st.markdown("What other methods would choose with the same budget. Each is saved as a selection.")
    with st.form("baselines", border=False):
        methods = st.multiselect(
            "Methods",
            [name for name in BASELINES if name in METHODS],
            default=[name for name in USUAL if name in METHODS],
            format_func=lambda name: BASELINES[name],
        )
        budget = st.number_input(
            "Instructions",
            min_value=1,
            max_value=int(run.valid.sum()),
            value=_budget_here(run),
            step=1,
            help="As many as your walk chooses, unless you change it.",
        )
        pressed = st.form_submit_button("Add", icon=":material/add:")
    if pressed:
        st.session_state[PROBLEMS] = _save_baselines(run, methods, int(budget))
        st.rerun()
    for error in st.session_state.pop(PROBLEMS, []):
        show_error(error)


def _budget_here(run: Run) -> int:
    try:
        return max(1, len(walked(run, parameters_in_url(run)).trace.steps))
    except InputError:
        return max(1, int(run.valid.sum()) // 20)


def _save_baselines(run: Run, methods: Sequence[str], budget: int) -> list[InputError]:
    """Save what these methods choose, and compare them; why some could not be."""
    added, problems = [], []
    for method in methods:
        name = f"{method.replace('_', '-')}-{budget}"
        try:
            if name not in saved_selections(run):
                with st.spinner(f"{method} …"):
                    chosen_by = select(run, method, count=budget, **_kept_regime(run, method))
                    chosen_by.write(run.inside(selection_file(name)))
            added.append(name)
        except InputError as error:
            problems.append(error)
    chosen = list(dict.fromkeys([*all_texts().get("compare", []), *added]))[:MOST]
    if added:
        # The box may be drawn already in this run: its new value waits for the next.
        st.session_state.pop("compare", None)
        put_in_url(compare=chosen)
    return problems


def _kept_regime(run: Run, method: str) -> dict[str, RegimeName]:
    """The gradients for a method whose usual ones the run does not keep."""
    field = METHODS[method].model_fields.get("regime")
    return {} if field is None or field.default in run.regimes else {"regime": run.regimes[0]}
