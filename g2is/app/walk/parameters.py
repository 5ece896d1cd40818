"""The panel of all walk parameters: each in the URL as far as it differs from the preset."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from g2is.analysis.core import closest_examples
from g2is.app.shared import all_texts, in_url, literal, number, one_of, set_url, url_value, visible
from g2is.config import WALK_PRESETS, WalkParameters
from g2is.errors import InputError
from g2is.knowledge import CoreKnowledge
from g2is.run.run import Run
from g2is.walk import largest_remainder

DEFAULT_PRESET = "official"
DEFAULT_FRACTION = 0.05
PRESETS = {
    "official": ("Preset: official (the paper)", "the values of the paper and its published script"),
    "recommended": (
        "Preset: recommended",
        "what our measurements favour: plain gradients, every validation sample in turn",
    ),
}
"""The label of each, and what its values are."""
REGIME_MEANINGS = {
    "adam": "adam: as the optimizer moves (the paper)",
    "adam_without_momentum": "adam without the momentum all samples share",
    "sgd": "sgd: plain gradients",
}


def _reset(preset: str) -> None:
    """Back to a preset; samples and sources the user chose stay."""
    set_url(**dict.fromkeys(_RESET_FIELDS), preset=None if preset == DEFAULT_PRESET else preset)


MOST_IN_LINK = 2000
"""Samples that an address can carry."""

_ROW_FIELDS = ("pins", "bans", "only")
_KEPT_FIELDS = (*_ROW_FIELDS, "sources", "without_sources", "targets")
_RESET_FIELDS = tuple(name for name in WalkParameters.model_fields if name not in _KEPT_FIELDS)


def current_preset() -> str:
    """The preset that the settings start from."""
    return url_value("preset", DEFAULT_PRESET, one_of(WALK_PRESETS))


def preset_values(run: Run, preset: str) -> dict[str, Any]:
    """Every field of `WalkParameters` as the preset has it, in a regime that the run keeps."""
    values = {
        **{name: field.default for name, field in WalkParameters.model_fields.items()},
        **WALK_PRESETS[preset],
        "fraction": DEFAULT_FRACTION,
    }
    if values["regime"] not in run.regimes:
        values["regime"] = run.regimes[0]
    return values


def parameters_in_url(run: Run) -> WalkParameters:
    """The settings of the walk as they go along from page to page, for pages without the panel.

    A value that cannot be used is said on the page. Raises `InputError` where all together fit no walk.
    """
    preset = url_value("preset", DEFAULT_PRESET, one_of(WALK_PRESETS))
    values = preset_values(run, preset)
    for name, default in values.items():
        if name in _ROW_FIELDS:
            values[name] = url_value(name, None, read_rows) or ()
        elif name in ("sources", "without_sources"):
            values[name] = tuple(url_value(name, [], one_of(run.source_names))) or default
        elif name == "component_budgets":
            values[name] = url_value(name, None, read_budgets)
        elif name == "targets":
            shares = {key: url_value(f"target.{key}", None, _read_share) for key in _targets_of(run)}
            given = {key: share for key, share in shares.items() if share is not None}
            values[name] = dict.fromkeys(shares, 0.0) | given if given else None
        else:
            values[name] = url_value(name, default, field_reader(name))
    if values["count"] is not None:
        values["fraction"] = None
    return WalkParameters(**values)


def _targets_of(run: Run) -> list[str]:
    return list(dict.fromkeys(run.validation["target"]))


def field_reader(name: str) -> Callable[[str], Any]:
    """Reads one field from a URL by the rules of `WalkParameters`."""

    def read(text: str) -> Any:
        # Budgets by component, so that no budget field is missed or one too many.
        return getattr(WalkParameters(**{"component_budgets": (1,), name: text}), name)

    return read


def read_rows(text: str) -> tuple[int, ...]:
    """Row numbers in any list that a person would paste: "3, 17 1,204" is 3, 17, 1 and 204."""
    parts = re.split(r"[\s,;]+", text.strip()) if text.strip() else []
    for part in parts:
        if not re.fullmatch(r"#?\d{1,12}", part):
            raise InputError(f"{part!r} is not a row number; write numbers such as 3, 17, 204")
    return tuple(dict.fromkeys(int(part.lstrip("#")) for part in parts))


def add_row(name: str, sample: int) -> None:
    """Put a sample into `pins` or `bans`, or take it out of it; for callbacks."""
    rows = [row for row in rows_in_url(name) if row != sample]
    if len(rows) == len(rows_in_url(name)):
        rows.append(sample)
    other = "bans" if name == "pins" else "pins"
    others = [row for row in rows_in_url(other) if row != sample]
    set_url(**{name: row_list(rows), other: row_list(others)})


def rows_in_url(name: str) -> tuple[int, ...]:
    """The samples that `pins`, `bans` or `only` hold in the URL."""
    try:
        return read_rows(all_texts().get(name, [""])[-1])
    except InputError:
        return ()


def row_list(rows: Sequence[int]) -> str | None:
    """Samples as a URL holds them."""
    return ", ".join(map(str, rows)) or None


TABS = ("Budget", "Core knowledge", "Rules", "Samples and sources", "Budget per component")


class ParameterPanel:
    """Draws the panel. `parameters` is what it says; `budget_table` is a place for what needs the walk first.

    tab: of TABS, the one that is open at first.
    """

    def __init__(self, run: Run, *, tab: str = TABS[0]) -> None:
        self.run = run
        preset = current_preset()
        with st.container(horizontal=True, vertical_alignment="center"):
            for name, (label, meaning) in PRESETS.items():
                st.button(
                    label,
                    key=f"reset to {name}",
                    help=f"Sets every value to {meaning}; pins, bans, sources and targets stay as they are.",
                    icon=":material/tune:",
                    type="primary" if name == preset else "secondary",
                    on_click=_reset,
                    args=(name,),
                )
            changes = st.empty()
        if preset == "official":
            st.caption(
                "These are the values of the paper. In our own measurements (docs/experiments.md) they chose worse "
                "than a random draw on four of six targets; **recommended** chose better than they did on all six."
            )
        self.defaults = preset_values(run, preset)
        if (wanted := WALK_PRESETS[preset]["regime"]) != self.defaults["regime"]:
            st.caption(
                f"This run does not keep the regime {wanted}; {self.defaults['regime']} stands in for it."
            )
        self.values: dict[str, Any] = {}
        self.said = st.container()
        budget, knowledge, rules, samples, self.budget_table = st.tabs(TABS, default=tab)
        with budget:
            self._budget()
        with knowledge:
            self._knowledge()
        with rules:
            self._rules()
        with samples:
            self._samples()
        changed = [
            name.replace("_", " ") for name in _RESET_FIELDS if self.values[name] != self.defaults[name]
        ]
        changes.markdown(
            f"changed from **{preset}**: {', '.join(changed)}"
            if changed
            else f"**{preset}**, unchanged: {PRESETS[preset][1]}"
        )

    def parameters(self) -> WalkParameters:
        """What the widgets say. Raises `InputError` for values that no walk can have."""
        values = dict(self.values)
        if values["count"] is not None:
            values["fraction"] = None
        for name in _ROW_FIELDS:
            try:
                values[name] = read_rows(values[name])
            except InputError as error:
                raise InputError(f"{name}: {error}") from None
        return WalkParameters(**values)

    def _ask(self, widget: Callable[..., Any], name: str, label: str, **options: Any) -> Any:
        """A widget for one field."""
        help = WalkParameters.model_fields[name].description or ""
        help = help[0].upper() + help[1:] + "."
        bound = self._in_url(name, self.defaults[name], field_reader(name))
        self.values[name] = widget(label, help=help, **options, **bound)
        return self.values[name]

    def _in_url(self, name: str, default: Any, read: Callable[[str], Any] = str) -> dict[str, Any]:
        """As `in_url`, but what is wrong with a link is said above the tabs, whichever is open."""
        with self.said:
            return in_url(name, default, read)

    def _ask_whole(self, name: str, label: str, **options: Any) -> Any:
        """A whole number, or nothing where the default is none."""
        if self.defaults[name] is None:
            options = {"value": None, **options}
        return self._ask(st.number_input, name, label, min_value=0, step=1, format="%d", **options)

    def _budget(self) -> None:
        with self.said:
            by_hand = url_value("component_budgets", None, read_budgets)
        self.values["component_budgets"] = by_hand
        with st.grid(3):
            self._share(disabled=by_hand is not None or "count" in all_texts())
            self._ask_whole(
                "count",
                "… or number of samples",
                placeholder="empty: the share counts",
                disabled=by_hand is not None,
            )
            self._ask(
                st.selectbox,
                "unspent",
                "Budget that a component cannot spend",
                options=["stop", "pass_on"],
                format_func={"stop": "is lost (the paper)", "pass_on": "goes to other components"}.get,
            )
            self._ask(
                st.selectbox,
                "order",
                "Components take their samples",
                options=["sequential", "in_turn"],
                format_func={
                    "sequential": "one component after the other (the paper)",
                    "in_turn": "one sample each in turn",
                }.get,
            )
        st.caption(
            "The budget is split over the components of the core knowledge by their weight. Fewer samples "
            "may be taken: no rule is ever broken to fill it."
            + (" Budgets are set by component now; see the last tab." if by_hand else "")
        )
        self._targets()

    def _share(self, *, disabled: bool) -> None:
        """The fraction, which people say in per cent."""
        default = self.defaults["fraction"]
        with self.said:
            fraction = url_value("fraction", default, field_reader("fraction"))
        shown = round(100 * fraction, 10)
        if st.session_state.get("per cent") != shown:
            st.session_state["per cent"] = shown
        self.values["fraction"] = fraction
        st.number_input(
            "Share of the pool in %",
            min_value=0.0,
            max_value=100.0,
            step=1.0,
            format="%.4g",
            key="per cent",
            on_change=_set_share,
            args=(default,),
            disabled=disabled,
            help="Budget as a share of the pool's valid samples.",
        )

    def _targets(self) -> None:
        names = _targets_of(self.run)
        self.values["targets"] = None
        if len(names) < 2:
            return
        st.markdown("**Validation targets** and their shares of the budget (empty: by their size)")
        shares: dict[str, float | None] = {}
        with st.grid(4):
            for name in names:
                bound = self._in_url(f"target.{name}", None, _read_share)
                shares[name] = st.number_input(
                    literal(name), value=None, min_value=0.0, step=0.1, format="%.3g", **bound
                )
        if any(share is not None for share in shares.values()):
            self.values["targets"] = {name: share or 0.0 for name, share in shares.items()}

    def _knowledge(self) -> None:
        st.caption(
            "Core knowledge is what the validation samples ask for: directions in gradient space, called "
            "components. For each of them the walk takes samples of its own."
        )
        with st.grid(3):
            self._ask(
                st.selectbox,
                "regime",
                "Gradient regime",
                options=list(self.run.regimes),
                format_func=REGIME_MEANINGS.get,
            )
            kind = self._ask(
                st.selectbox,
                "knowledge",
                "Kind of core knowledge",
                options=["principal", "facets"],
                format_func={
                    "principal": "principal: main directions (the paper)",
                    "facets": "facets: groups of similar samples",
                }.get,
            )
            facets = kind == "facets"
            by = self._ask(
                st.selectbox,
                "facets_by",
                "Facets: number by",
                options=["number", "silhouette", "each"],
                format_func={
                    "number": "the number set here",
                    "silhouette": "the clearest groups, up to that number",
                    "each": "one for each validation sample",
                }.get,
                disabled=not facets,
            )
            self._ask_whole("facets", "Facets: how many", disabled=not facets or by == "each")
            self._ask(
                st.slider,
                "variance",
                "Principal: share of the spectrum kept",
                min_value=0.0,
                max_value=1.0,
                step=0.01,
                disabled=facets or "components" in all_texts(),
            )
            self._ask_whole(
                "components",
                "… or number of directions",
                placeholder="empty: the share counts",
                disabled=facets,
            )
            self._ask_whole("seed", "Facets: seed", disabled=not facets or by == "each")
            self._ask(st.toggle, "center", "Principal: subtract the mean first", disabled=facets)
            self._ask(st.toggle, "orient", "Principal: turn towards the target", disabled=facets)
            self._ask(st.toggle, "unit_rows", "Principal: normalise first", disabled=facets)

    def _rules(self) -> None:
        first, second, third = st.columns(3)
        with first:
            on = self._ask(st.toggle, "knowledge_coherence", "**1 · Knowledge coherence**")
            st.caption("Step from a sample to its nearest neighbours on the gradient graph, nearest first.")
            most = self.run.regime(self.values["regime"]).neighbors.shape[1]
            self._ask_whole(
                "neighbors", "Neighbours looked at", placeholder=f"all {most:,} kept", disabled=not on
            )
        with second:
            on = self._ask(st.toggle, "no_conflict", "**2 · No conflict**")
            st.caption("Turn away a sample whose gradient pulls against one that the component took already.")
            self._ask(
                st.slider,
                "conflict_threshold",
                "Least cosine to every sample taken",
                min_value=-1.0,
                max_value=1.0,
                step=0.01,
                disabled=not on,
            )
            self._ask(
                st.number_input,
                "max_cosine",
                "Most cosine to every sample taken",
                value=None,
                min_value=0.0,
                max_value=1.0,
                step=0.01,
                format="%.3g",
                placeholder="empty: no limit (the paper)",
            )
        with third:
            on = self._ask(st.toggle, "consistency", "**3 · Consistency**")
            st.caption(
                "Turn away a sample that would lower the alignment, the cosine of the sum of what was taken to "
                "the component, below delta times what it is now."
            )
            self._ask(
                st.slider,
                "delta",
                "Delta: share that must remain",
                min_value=0.0,
                max_value=1.0,
                step=0.01,
                disabled=not on,
            )
            self._ask(
                st.selectbox,
                "consistency_reference",
                "… of the alignment",
                options=["last", "best"],
                format_func={"last": "at the last step (the paper)", "best": "at its best so far"}.get,
                disabled=not on,
            )

    def _samples(self) -> None:
        known = self.run.source_names
        with st.grid(2):
            for name, label in (
                ("pins", "Pins: always in"),
                ("bans", "Bans: never in"),
                ("only", "Only these: walk on no others"),
            ):
                self.values[name] = st.text_input(
                    label,
                    placeholder="row numbers, for example 3, 17, 204",
                    help="Paste row numbers, use the buttons under any sample further down, or draw around samples on "
                    "the Map.",
                    **self._in_url(name, ""),
                )
            for name, label, empty in (
                ("sources", "Source files to walk on", "all"),
                ("without_sources", "Source files to leave out", "none"),
            ):
                self.values[name] = tuple(
                    st.multiselect(
                        label,
                        known,
                        format_func=visible,
                        placeholder=empty,
                        **self._in_url(name, [], one_of(known)),
                    )
                )
        self.values["sources"] = self.values["sources"] or None


def _set_share(default: float) -> None:
    fraction = st.session_state["per cent"] / 100
    set_url(fraction=None if fraction == default else fraction)


def _read_share(text: str) -> float:
    share = float(text)
    if not 0 <= share < float("inf"):
        raise ValueError("expected a number of 0 or more")
    return share


# Budgets by component


def read_budgets(text: str) -> tuple[int, ...]:
    """Budgets from a URL, as "24,17,13"."""
    if not re.fullmatch(r"\d{1,9}(,\d{1,9})*", text):
        raise ValueError("expected whole numbers with commas between them, one for each component")
    return tuple(map(int, text.split(",")))


def rebalance(budgets: Sequence[int], component: int, wanted: int) -> tuple[int, ...]:
    """The budgets (k,) with one set to `wanted`; the others give or take in proportion, so the sum stays."""
    total = sum(budgets)
    if len(budgets) == 1:
        return (total,)
    wanted = max(0, min(wanted, total))
    others = np.array(budgets, dtype=float)
    others[component] = 0.0
    if not others.any():
        others[:] = 1.0
        others[component] = 0.0
    shared = largest_remainder(total - wanted, others / others.sum())
    shared[component] = wanted
    return tuple(shared.tolist())


def component_names(run: Run, knowledge: CoreKnowledge) -> list[str]:
    """What each component stands for: the text of the validation sample that lies closest to it."""
    return [visible(text[:120]) for text in closest_examples(run, knowledge)]


def edit_budgets(run: Run, knowledge: CoreKnowledge, budgets: Sequence[int]) -> None:
    """The table of budgets (k,); a change of one is taken from, or given to, the others."""
    total = sum(budgets)
    st.caption(
        f"The budgets sum to {number(total)}. Change one: the others give or take in proportion. The text is the "
        "validation sample closest to the component."
    )
    frame = pd.DataFrame({"component": range(len(budgets)), "budget": list(budgets)})
    if len(set(knowledge.targets)) > 1:
        frame["target"] = knowledge.targets
    frame["weight"] = knowledge.weights
    frame["closest validation sample"] = component_names(run, knowledge)
    st.data_editor(
        frame,
        key="budget table",
        hide_index=True,
        disabled=[name for name in frame if name != "budget"],
        height=min(300, 38 + 35 * len(frame)),
        column_config={
            "budget": st.column_config.NumberColumn(min_value=0, max_value=total, step=1, required=True),
            "weight": st.column_config.NumberColumn(format="percent"),
        },
        on_change=_change_budget,
        args=(tuple(budgets),),
        alt="Budget of each component",
    )
    if "component_budgets" in all_texts():
        st.button(
            "Share out by weight again",
            key="by weight",
            icon=":material/balance:",
            on_click=set_url,
            kwargs={"component_budgets": None},
        )


def _change_budget(budgets: tuple[int, ...]) -> None:
    for row, change in st.session_state["budget table"]["edited_rows"].items():
        if change.get("budget") not in (None, budgets[int(row)]):
            budgets = rebalance(budgets, int(row), int(change["budget"]))
    set_url(component_budgets=",".join(map(str, budgets)))
