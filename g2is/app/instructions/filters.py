"""The filters of the pool, in the URL: the same on the Instructions page and on the map, so that each can show what
the other found."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from g2is.analysis.search import GONE, STATES, Filter, matching
from g2is.app import shared as ui
from g2is.app.shared.as_set import fits_link, offer_set
from g2is.app.shared.community_choice import choose_community
from g2is.app.shared.conditions import choose_conditions, has_columns
from g2is.app.walk.parameters import row_list, walk_regime
from g2is.errors import InputError
from g2is.run.run import Run
from g2is.run.selections import read_walk

OF_RECORDS = ("search", "regex", "source", "task", "state", "tokens", "having", "column")
OF_RUN = ("community", "in_set", "within", "side", "component")
FILTERS = (*OF_RECORDS, *OF_RUN)
"""Parameters of the URL."""
LONGEST_WORDS = 500
MINOR = ("regex", "column", "side")
"""Those that filter nothing by themselves."""


def carried() -> dict[str, Any]:
    """The filters of this page, for a link to another one."""
    texts = ui.all_texts()
    return {name: texts.get(name) for name in FILTERS}


def count_filters() -> int:
    """How many filters are set, besides the search."""
    texts = ui.all_texts()
    return sum(name in texts for name in FILTERS if name not in ("search", *MINOR))


def searched() -> str:
    """The words that are searched for."""
    return " ".join(ui.all_texts().get("search", []))


def filters_in_words() -> str:
    """The filters in the URL, such as "search: apples; community: 3"."""
    texts = ui.all_texts()
    words = (f"{name.replace('_', ' ')}: {', '.join(texts[name])}" for name in FILTERS if name in texts)
    return "; ".join(words)[:LONGEST_WORDS]


def filtered(run: Run) -> NDArray[np.int64] | None:
    """(k,) rows that pass all filters in the URL, ascending; None if there is no filter.

    Raises `InputError` for a bad regular expression, and for a set or selection that cannot be read.
    """
    texts = ui.all_texts()
    if not any(name in texts for name in FILTERS if name not in MINOR):
        return None
    rows = matches(run, run.state, filter_in_url(run))
    if _has_communities(run) and "community" in texts:
        communities = run.communities(walk_regime(run))
        community = ui.url_value("community", None, ui.whole(0, len(communities) - 1))
        if community is not None:
            rows = rows[communities.membership[rows] == community]
    if names := ui.url_value("in_set", [], ui.one_of(run.sets.names())):
        rows = np.intersect1d(rows, run.sets.union(names))
    if "within" in texts:
        name = ui.url_value("within", "", ui.one_of([*ui.choices(run), ui.BASKET]))
        rows = _within(run, rows, name) if name else rows
    return rows


def filter_in_url(run: Run) -> Filter:
    """The filters that depend on the pool alone. Values that mean nothing are reported on the page."""
    pool = run.instructions
    conditions = ui.url_value("having", [], lambda text: _condition(run, text)) if has_columns(run) else []
    limits = _token_limits(run)
    tokens = None if limits is None else ui.url_value("tokens", limits, ui.whole(*limits))
    tasks = sorted(pool["task"].dropna().unique())
    return Filter(
        text=ui.url_value("search", ""),
        regular_expression=ui.url_value("regex", False, ui.flag),
        sources=tuple(ui.url_value("source", [], ui.one_of(run.source_names))),
        tasks=tuple(ui.url_value("task", [], ui.one_of(tasks))),
        tokens=None if tokens == limits else tokens,
        state=ui.url_value("state", "", ui.one_of(_states(run))),
        where=tuple(conditions),
        column=ui.url_value("column", "", ui.one_of([column.name for column in run.columns.of_records])),
    )


@st.cache_data(max_entries=64, show_spinner=False)
def matches(_run: Run, run_hash: str, filter: Filter) -> NDArray[np.int64]:
    """(k,) rows that match, ascending. Raises `InputError` for a bad regular expression."""
    return matching(_run, filter)


def from_the_start() -> None:
    """A changed filter begins at its first page."""
    ui.set_url(page=None)


def filtering(name: str, default: Any, read: Any = str) -> dict[str, Any]:
    """As `in_url`; a change goes back to the first page of the list."""
    return {**ui.in_url(name, default, read), "on_change": from_the_start}


def choose_filters(run: Run) -> None:
    """The boxes of all filters except the search, below each other; what is chosen stands in the URL."""
    pool = run.instructions
    names, tasks = sorted(run.source_names), sorted(pool["task"].dropna().unique())
    for name, label, options in (("source", "Source file", names), ("task", "Task", tasks)):
        if options:
            st.multiselect(
                label,
                options,
                format_func=ui.visible,
                placeholder="All",
                **filtering(name, [], ui.one_of(options)),
            )
    known = _states(run)
    st.selectbox(
        "State",
        list(known),
        format_func=lambda name: known[name],
        help="Without a gradient an instruction is never selected; what is longer than the model takes is cut.",
        **filtering("state", "", ui.one_of(known)),
    )
    limits = _token_limits(run)
    if limits is not None:
        st.slider("Length in tokens", *limits, **filtering("tokens", limits, ui.whole(*limits)))
    if has_columns(run):
        choose_conditions(run, "having", filtering)
    if _has_communities(run):
        choose_community(run, walk_regime(run), bind=filtering)
    if names := run.sets.names():
        st.multiselect(
            "Named set",
            names,
            format_func=ui.visible,
            placeholder="All",
            help="Instructions in any of these sets: those that have it as a tag.",
            **filtering("in_set", [], ui.one_of(names)),
        )
    _choose_selection(run)
    st.toggle(
        "The search is a regular expression",
        help="Such as `\\d+ apples` or `^Write`. Upper and lower case are alike.",
        **filtering("regex", False, ui.flag),
    )
    st.button(
        "Remove all filters",
        icon=":material/filter_alt_off:",
        disabled=not any(name in ui.all_texts() for name in FILTERS),
        on_click=ui.set_url,
        kwargs={**dict.fromkeys(FILTERS), "page": None},
    )


def choose_column(run: Run) -> str:
    """A box for the column that is shown in the list, and searched too."""
    names = [column.name for column in run.columns.of_records]
    if not names:
        return ""
    column: str = st.selectbox(
        "Column in the list",
        ["", *names],
        format_func=lambda name: ui.visible(name) or "None",
        help="A field of the records. It is shown in the list, and words are searched in it too.",
        **filtering("column", "", ui.one_of(["", *names])),
    )
    return column


def link_to_walk(run: Run, rows: NDArray[np.int64]) -> None:
    """A link to the walk on these instructions only: by conditions that the walk knows, otherwise by row."""
    label, texts = "Walk on what is found", ui.all_texts()
    names = {name for name in FILTERS if name in texts and name not in MINOR}
    if names <= {"source", "having", "in_set"}:
        conditions = {"sources": "source", "where": "having", "only_sets": "in_set"}
        changes: dict[str, Any] = {to: texts.get(name) for to, name in conditions.items()}
        ui.link_to("Walk", label, **changes, only=None)
    elif fits_link(len(rows)):
        ui.link_to("Walk", label, only=row_list(rows.tolist()))
    else:
        offer_set(
            run,
            rows,
            label,
            key="found",
            suggestion=searched() or "found",
            origin=filters_in_words(),
            settings=lambda name: {"only_sets": [name], "only": None},
            page="Walk",
        )


def _states(run: Run) -> dict[str, str]:
    known = STATES if "valid" in run.instructions else {"duplicate": STATES["duplicate"]}
    return {"": "All", **{name: label for name, label in known.items() if name != GONE or run.removals}}


def _token_limits(run: Run) -> tuple[int, int] | None:
    pool = run.instructions
    if "tokens" not in pool or pool["tokens"].min() >= pool["tokens"].max():
        return None
    return int(pool["tokens"].min()), int(pool["tokens"].max())


def _condition(run: Run, text: str) -> str:
    run.columns.matching([text])
    return text


def _has_communities(run: Run) -> bool:
    return {"gradients", "graph", "communities"} <= set(run.manifest.stages)


def _choose_selection(run: Run) -> None:
    """What is in a saved selection, or in one direction of its walk, or what is not."""
    name = ui.choose_selection(
        run, "Selection", none="Any", help="Instructions in a saved selection or in the basket."
    )
    if name is None:
        return
    with suppress(InputError):  # said where the rows are read
        ui.show_changes(run, {"": ui.read_selection(run, name)})
    side = st.segmented_control(
        "Show",
        ["in", "out"],
        format_func=lambda side: {"in": "In it", "out": "Not in it"}[side],
        required=True,
        **filtering("side", "in", ui.one_of(["in", "out"])),
    )
    names = [] if side == "out" else sorted(set(_components(run, name).values()))
    if names:
        st.selectbox(
            "Target direction",
            ["", *map(str, names)],
            format_func=lambda text: {"": "All", "-1": "pinned by hand"}.get(text, f"direction {text}"),
            help="A direction of core knowledge that the walk chose instructions for.",
            **filtering("component", "", ui.one_of(map(str, names))),
        )


def _within(run: Run, rows: NDArray[np.int64], name: str) -> NDArray[np.int64]:
    taken = np.array(ui.read_selection(run, name).samples, dtype=np.int64)
    if ui.url_value("side", "in", ui.one_of(["in", "out"])) == "out":
        return np.setdiff1d(rows, taken)
    of_sample = _components(run, name)
    component = ui.url_value("component", "", ui.one_of(sorted(map(str, set(of_sample.values())))))
    if component:
        taken = np.array([s for s in taken.tolist() if of_sample.get(s) == int(component)], dtype=np.int64)
    return np.intersect1d(rows, taken)


def _components(run: Run, name: str) -> dict[int, int]:
    """The target direction that each instruction of a saved walk was chosen for; empty for other selections."""
    path = ui.saved_selections(run).get(name)  # none of the basket
    if path is None or ui.read_selection(run, name).method != "walk":
        return {}
    return component_of_samples(run, run.state, path, ui.stamp_of(path))


@st.cache_data(max_entries=16, show_spinner=False)
def component_of_samples(_run: Run, state: str, path: Path, stamp: tuple[int, ...]) -> dict[int, int]:
    """The component that each instruction of a walk was chosen for; -1 for a pin. Empty without a trace."""
    _, trace = read_walk(path, _run)
    if trace is None:
        return {}
    steps = trace.steps
    return dict(zip(steps.sample.tolist(), steps.component.tolist(), strict=True))
