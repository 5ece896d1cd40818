"""The strongest path from an instruction to the core knowledge, as a chain to read."""

from __future__ import annotations

import streamlit as st

from g2is.analysis.neighbourhood import strongest_path
from g2is.app.neighbourhood.trail import go_to
from g2is.app.shared import flag, in_url, literal, number, url_value
from g2is.config import RegimeName, WalkParameters
from g2is.graph import Path
from g2is.instructions.snippet import snippet
from g2is.run.run import Run

TEXT = 140
"""Characters of each instruction that are shown."""


@st.cache_resource(max_entries=64, show_spinner="Looking for the strongest path…")
def _path(
    _run: Run, run_hash: str, regime: RegimeName, sample: int, key: str, _knowledge: WalkParameters
) -> Path | None:
    return strongest_path(_run, regime, sample, _knowledge)


def path_from(run: Run, regime: RegimeName, knowledge: WalkParameters, focus: int) -> Path | None:
    """The path from the focus; None where it is not asked for, or where there is none."""
    if not url_value("path", False, flag):
        return None
    return _path(run, run.state, regime, focus, knowledge.knowledge_key, knowledge)


def show_path(
    run: Run, path: Path | None, marked: list[int | None], names: list[str], trail: tuple[int, ...]
) -> None:
    """A switch, and the path from the focus where it is on. marked: see `on_path`. names: of the target
    directions."""
    st.subheader("Path to the core knowledge")
    on = st.toggle(
        "Show the strongest path",
        help="From one instruction to the next along aligned edges to a target direction. A chain is as strong as its "
        "weakest link: of "
        "all paths this is the one whose weakest edge has the highest cosine, and of those the shortest.",
        **in_url("path", False, flag),
    )
    if not on:
        return
    if path is None:
        st.info("No path of cosines above 0 leads from this instruction to a target direction.")
        return
    weakest = path.bottleneck
    ends = [f"instruction {number(int(row))}" for row in path.samples] + [f"direction {path.component}"]
    st.markdown(
        f"**{number(len(path))} edge{'s' if len(path) > 1 else ''}** to direction {path.component}. The weakest, from "
        f"{ends[weakest]} to {ends[weakest + 1]}, has a cosine of **{number(path.strength)}**; no path has a stronger "
        f"weakest edge. Of its {len(marked)} nodes the graph above shows {len(marked) - marked.count(None)}, on a "
        "yellow ground."
    )
    prompts = run.instructions["prompt"]
    with st.container(border=True, height=460 if len(path) > 4 else "content", gap="xsmall"):
        for place, sample in enumerate(path.samples.tolist()):
            left, right = st.columns([1, 9], vertical_alignment="center", gap="small")
            left.button(
                number(sample),
                key=f"path {place}",
                disabled=place == 0,
                on_click=go_to,
                args=(sample, trail),
            )
            right.markdown(literal(_beginning(str(prompts.iloc[sample]))))
            mark = " · **the weakest edge**" if place == weakest else ""
            st.caption(f":material/arrow_downward: cosine {number(float(path.cosines[place]))}{mark}")
        st.markdown(f"★ **Direction {path.component}**, closest to {literal(names[path.component])}")


def _beginning(text: str) -> str:
    """On one line, cut after a word where there are words."""
    text = snippet(text, 2 * TEXT)
    return text if len(text) <= TEXT else text[:TEXT].rsplit(" ", 1)[0] + " …"
