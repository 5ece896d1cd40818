"""The basket beside the map: what is in it, and what can be done with it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from g2is.app import shared as ui
from g2is.app.map.basket_sets import choose_set, name_basket
from g2is.app.map.view import change_basket, go_to
from g2is.app.shared.as_set import MOST_IN_LINK, fits_link
from g2is.app.shared.aside import basket_set
from g2is.app.walk.parameters import row_list, rows_in_url
from g2is.figures.walk import sources_figure
from g2is.instructions.words import Term, distinctive_terms
from g2is.run.run import Run
from g2is.run.texts import SPOKEN, joined
from g2is.storage.csv import safe_csv
from g2is.walk import WalkTrace

ROWS = 100
"""Rows of the table on the page, at most."""
SOURCES = 8
"""Sources in the figure, at most."""


def show_basket(run: Run) -> DeltaGenerator:
    """Count, texts, mix of sources, frequent words, sets, and actions; the place for `show_in_walk`."""
    basket = ui.basket(run)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header("Basket", anchor=False)
        if basket:
            st.button(
                "Empty", key="empty", icon=":material/delete:", on_click=change_basket, args=(run, [], "new")
            )
        choose_set(run)
    ui.say_what_was_done()
    if not basket:
        st.caption(
            "Draw a lasso or a box around dots to put them into the basket: instructions set aside by hand, to pin, "
            "ban, read, name or export. They get a frame on the map."
        )
        return st.empty()
    samples = np.unique(np.array(basket, np.int64))
    noun = "instruction" if len(samples) == 1 else "instructions"
    share = ui.percent(len(samples) / run.size)
    st.markdown(f"**{ui.number(len(samples))}** {noun}, {share} of the pool{_called(run)}")
    in_walk = st.empty()
    _actions(run, samples)
    key = samples.tobytes()
    texts, sources, words = st.tabs(["Texts", "Sources", "Words"])
    with texts:
        _table(run, samples)
    with sources:
        st.plotly_chart(
            sources_figure(_source_mix(run, samples)), key="basket mix", config={"displayModeBar": False}
        )
    with words:
        terms = _terms(run, run.state, hash(key), samples)
        if not terms:
            st.caption("No word is more frequent here than in the pool.")
        else:
            st.dataframe(
                pd.DataFrame(
                    {
                        "word": [term.word for term in terms],
                        "basket": [term.share for term in terms],
                        "pool": [term.share_of_all for term in terms],
                    }
                ),
                hide_index=True,
                height="content",
                column_config={
                    "basket": st.column_config.ProgressColumn("in the basket", format="percent", max_value=1),
                    "pool": st.column_config.NumberColumn("in the pool", format="percent"),
                },
                alt="Words that are more frequent in the basket than in the pool, and the share of texts with them",
            )
    return in_walk


def show_in_walk(place: DeltaGenerator, run: Run, trace: WalkTrace | None) -> None:
    """How much of the basket the walk chose. place: as `show_basket` returned it."""
    basket = np.unique(np.array(ui.basket(run), np.int64))
    if trace is not None and len(basket):
        taken = len(np.intersect1d(trace.samples, basket))
        are = "is" if taken == 1 else "are"
        place.markdown(f"**{ui.number(taken)} of {ui.number(len(basket))}** {are} in the walk")


def _called(run: Run) -> str:
    """The set that is in the basket, in Markdown."""
    if found := ui.unchanged_set(run):
        return f": set {ui.literal(found.name)}"
    loaded = basket_set(run)
    return f": set {ui.literal(loaded[0])}, edited" if loaded else ""


def _actions(run: Run, samples: np.ndarray) -> None:
    with st.container(horizontal=True):
        # A sample within it, whatever is in focus.
        ui.link_to("Instructions", "Read them", within=ui.BASKET, focus=int(samples[0]), page=None)
        ui.link_to("Export", "Export them", selection=ui.BASKET)
        name_basket(run)
        found = ui.unchanged_set(run)
        about = f"set {found.name}" if found else "put into the basket by hand"
        ui.more_like_these(run, samples, about=about, key="basket", suggestion=found.name if found else "")
        ui.remove_button(run, samples, about=about, key="basket")
    if found is None and not fits_link(len(samples)):
        st.caption(
            f":material/info: Name these {ui.number(len(samples))} instructions to pin or ban them: settings and links "
            f"hold up to {ui.number(MOST_IN_LINK)} single ones, and sets of any size by name."
        )
        return
    if not ui.in_link(run):
        st.caption(":material/link_off: Too many to be in a link one by one: name them to share them.")
    with st.container(horizontal=True):
        if found is not None:
            for name, other, label in (
                ("pin_sets", "ban_sets", "Pin them"),
                ("ban_sets", "pin_sets", "Ban them"),
            ):
                here, there = (
                    [one for one in ui.all_texts().get(field, []) if one != found.name]
                    for field in (name, other)
                )
                of_sets: dict[str, Any] = {name: [*here, found.name], other: there or None}
                ui.link_to("Walk", label, **of_sets)
            ui.link_to("Walk", "Walk on these only", only_sets=[found.name], only=None)
            return
        rows = {name: rows_in_url(name) for name in ("pins", "bans")}
        basket = samples.tolist()
        for name, label in (("pins", "Pin them"), ("bans", "Ban them")):
            other = "bans" if name == "pins" else "pins"
            kept = set(basket)
            changes: dict[str, Any] = {
                name: row_list(list(dict.fromkeys([*rows[name], *basket]))),
                other: row_list([row for row in rows[other] if row not in kept]),
            }
            ui.link_to("Walk", label, **changes)
        ui.link_to("Walk", "Walk on these only", only=row_list(basket), only_sets=None)


def _source_mix(run: Run, samples: np.ndarray) -> dict[str, pd.Series]:
    """The share of the largest sources in the pool and in the basket."""
    sources = run.instructions["source"]
    of_basket = sources.iloc[samples].value_counts(normalize=True)[:SOURCES]
    of_pool = run.present["source"].value_counts(normalize=True)[of_basket.index]
    return {
        name: shares.rename(index=ui.visible) for name, shares in (("pool", of_pool), ("basket", of_basket))
    }


@st.cache_data(max_entries=32, show_spinner=False)
def _terms(_run: Run, run_hash: str, key: int, _samples: np.ndarray) -> list[Term]:
    return distinctive_terms(lambda rows: joined(_run.texts, rows), _samples, np.flatnonzero(~_run.gone))


def _table(run: Run, samples: np.ndarray) -> None:
    """The texts; a click on one puts it in focus."""
    rows = run.records(samples[:ROWS], ["prompt"])
    if len(samples) > ROWS:
        st.caption(f"The first {ROWS} of {ui.number(len(samples))}; the file has all.")
    focus = np.flatnonzero(samples[:ROWS] == ui.focus(run))
    ui.choose_row(
        pd.DataFrame(
            {
                "instruction": samples[:ROWS],
                "prompt": ui.snippets(rows["prompt"]),
                "source": [ui.visible(source) for source in rows["source"]],
            }
        ),
        "basket texts",
        lambda place: go_to(None if place is None else int(samples[place])),
        chosen=int(focus[0]) if focus.size else None,
        tallest=250,
        columns={
            "instruction": st.column_config.NumberColumn("#", format="localized", width=60),
            "prompt": st.column_config.TextColumn(width=260),
        },
        alt="Instructions in the basket",
    )
    st.download_button(
        "Save as CSV",
        lambda: basket_csv(run, samples),
        "basket.csv",
        "text/csv",
        key="basket csv",
        icon=":material/download:",
        on_click="ignore",
    )


def basket_csv(run: Run, samples: np.ndarray) -> bytes:
    """A CSV file with one row a sample: sample, source, line, tokens, loss, prompt, response."""
    columns = ["source", "line", "tokens", "loss", "prompt", "response"]
    frame = run.records(samples, SPOKEN)[columns]
    frame.insert(0, "sample", samples)
    return safe_csv(frame)
