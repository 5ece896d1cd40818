"""The settings of the walk by subject, a tab each."""

from __future__ import annotations

import streamlit as st

from g2is.app.shared import all_texts, literal, one_of, set_url, visible
from g2is.app.shared.conditions import choose_conditions, choose_shares, has_columns
from g2is.app.shared.labels import FIELDS
from g2is.app.shared.url import assign
from g2is.app.walk.asking import Asker
from g2is.app.walk.parameters import (
    ROW_FIELDS,
    SET_FIELDS,
    field_reader,
    read_budgets,
    read_share,
    say_missing_targets,
    set_of,
    targets_of,
)

OF_PRINCIPAL = ("variance", "components", "center", "orient", "unit_rows")
"""Settings of principal directions alone."""


def ask_budget(asker: Asker) -> None:
    """How many instructions are taken, and for which targets."""
    by_hand = asker.values["component_budgets"] = asker.read("component_budgets", None, read_budgets)
    with st.grid(3):
        _ask_fraction(asker, disabled=by_hand is not None or "count" in all_texts())
        asker.ask_whole("count", placeholder="empty: the share counts", disabled=by_hand is not None)
        asker.choose("unspent")
        asker.choose("order")
    st.caption(
        "The budget is divided over the target directions by their weight. Fewer instructions may be taken: no rule is "
        "ever broken to use the budget up."
        + (" Budgets are set by direction now; see the last tab." if by_hand else "")
    )
    _ask_targets(asker)


def _ask_fraction(asker: Asker, *, disabled: bool) -> None:
    """The budget as a share, which people give in per cent."""
    default = asker.defaults["fraction"]
    fraction = asker.values["fraction"] = asker.read("fraction", default, field_reader("fraction"))
    shown = round(100 * fraction, 10)
    assign("per cent", shown)
    st.number_input(
        "Budget in % of the pool",
        min_value=0.0,
        max_value=100.0,
        step=1.0,
        format="%.4g",
        key="per cent",
        on_change=_set_fraction,
        args=(default,),
        disabled=disabled,
        help="Budget as a share of the instructions that have a gradient.",
    )


def _set_fraction(default: float) -> None:
    fraction = st.session_state["per cent"] / 100
    if not fraction:
        return  # no budget; the box goes back to what it was
    set_url(fraction=None if fraction == default else fraction)


def _ask_targets(asker: Asker) -> None:
    names = targets_of(asker.run)
    asker.values["targets"] = None
    with asker.messages:
        say_missing_targets(asker.run)
    if len(names) < 2:
        asker.keep("without_target_rows")
        return
    st.markdown(
        "**Validation targets** and their shares of the budget (all empty: those of the build, by their size)"
    )
    shares: dict[str, float | None] = {}
    with st.grid(4):
        for name in names:
            bound = asker.bind(f"target.{name}", None, read_share)
            shares[name] = st.number_input(
                literal(name), value=None, min_value=0.0, step=0.1, format="%.3g", **bound
            )
    if any(share is not None for share in shares.values()):
        asker.values["targets"] = {name: share or 0.0 for name, share in shares.items()}
    if any(target.rows for target in asker.run.targets):
        asker.ask(st.toggle, "without_target_rows")
    else:
        asker.keep("without_target_rows")


def ask_directions(asker: Asker) -> None:
    """What the core knowledge is made of."""
    st.caption(
        "Core knowledge is what the validation examples ask for: directions in gradient space, the **target "
        "directions**. For each of them the walk takes instructions of its own."
    )
    with st.grid(3):
        asker.choose("regime", asker.run.regimes)
        if asker.choose("knowledge") == "facets":
            asker.keep(*OF_PRINCIPAL)
            if asker.choose("facets_by") == "each":
                asker.keep("facets", "seed")
            else:
                asker.ask_whole("facets")
                asker.ask_whole("seed")
        else:
            asker.keep("facets_by", "facets", "seed")
            asker.ask_share("variance", disabled="components" in all_texts())
            asker.ask_whole("components", placeholder="empty: the share counts")
            for name in OF_PRINCIPAL[2:]:
                asker.ask(st.toggle, name)


def ask_rules(asker: Asker) -> None:
    """The three rules that a candidate has to pass."""
    first, second, third = st.columns(3)
    with first:
        on = asker.ask(st.toggle, "knowledge_coherence", label="**1 · Knowledge coherence**")
        st.caption("Step from an instruction to one of its nearest neighbours on the gradient graph.")
        most = asker.run.regime(asker.values["regime"]).neighbors.shape[1]
        asker.ask_whole("neighbors", placeholder=f"all {most:,} kept", disabled=not on)
        asker.choose("step_to", disabled=not on)
    with second:
        on = asker.ask(st.toggle, "no_conflict", label="**2 · No conflict**")
        st.caption(
            "Reject an instruction whose gradient pulls against one already chosen for the same direction."
        )
        asker.ask_share("conflict_threshold", least=-1.0, disabled=not on)
        asker.ask(
            st.number_input,
            "max_cosine",
            value=None,
            min_value=0.0,
            max_value=1.0,
            step=0.01,
            format="%.3g",
            placeholder="empty: no limit (paper)",
        )
    with third:
        on = asker.ask(st.toggle, "consistency", label="**3 · Consistency**")
        st.caption(
            "Reject an instruction that would lower the alignment below delta times what it is now. Alignment: the "
            "cosine of the direction to the sum of the gradients chosen for it."
        )
        asker.ask_share("delta", disabled=not on)
        asker.choose("consistency_reference", disabled=not on)


def ask_instructions(asker: Asker) -> None:
    """Instructions that are in or out whatever the rules, and the sources to choose from."""
    known = asker.run.source_names
    with st.grid(2):
        for name, meaning in zip(ROW_FIELDS, ("always in", "never in", "choose from no others"), strict=True):
            asker.values[name] = st.text_input(
                f"{FIELDS[name]}: {meaning}",
                placeholder="row numbers, for example 3, 17, 204",
                help="Paste row numbers, use the buttons under any instruction further down, or draw around "
                "instructions on the Map.",
                **asker.bind(name, ""),
            )
        names = asker.run.sets.names()
        for name in SET_FIELDS:
            if names or name in all_texts():
                asker.values[name] = tuple(
                    st.multiselect(
                        FIELDS[name],
                        names,
                        placeholder="none",
                        help="Named sets of instructions; make them on the Map.",
                        **asker.bind(name, [], set_of(asker.run)),
                    )
                )
        for name, label, empty in (
            ("sources", "Source files to choose from", "all"),
            ("without_sources", "Source files to leave out", "none"),
        ):
            asker.values[name] = tuple(
                st.multiselect(
                    label,
                    known,
                    format_func=visible,
                    placeholder=empty,
                    **asker.bind(name, [], one_of(known)),
                )
            )
        asker.ask(st.toggle, "dedupe")
        asker.values["where"] = asker.values["share"] = ()
        if has_columns(asker.run):
            asker.values["where"] = choose_conditions(asker.run, "where", asker.bind)
            asker.values["share"] = choose_shares(asker.run, "share", asker.bind)
    asker.values["sources"] = asker.values["sources"] or None
