"""The strongest path from an instruction to the core knowledge, as a chain to read."""

from __future__ import annotations

import streamlit as st

from g2is.analysis.neighbourhood import strongest_path
from g2is.app.neighbourhood.trail import go_to
from g2is.app.shared import flag, literal, number, url_value
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


def path_asked() -> bool:
    """Whether the URL asks for the path."""
    return url_value("path", False, flag)


def path_from(run: Run, regime: RegimeName, knowledge: WalkParameters, focus: int) -> Path | None:
    """The path from the focus; None where there is none."""
    return _path(run, run.state, regime, focus, knowledge.knowledge_key, knowledge)


def path_in_words(path: Path | None, marked: list[int | None]) -> str:
    """Its length, its weakest edge, and how much of it the graph shows. marked: see `on_path`."""
    if path is None:
        return "No path of cosines above 0 leads from it to a target direction."
    one, other = _ends(path)[path.bottleneck : path.bottleneck + 2]
    return (
        f"{number(len(path))} edge{'s' if len(path) > 1 else ''} to direction {path.component}; the weakest, from "
        f"{one} to {other}, has a cosine of {number(path.strength)}. "
        f"{len(marked) - marked.count(None)} of its {len(marked)} nodes are here, on yellow."
    )


def show_path(run: Run, path: Path, names: list[str], trail: tuple[int, ...]) -> None:
    """The path from the focus as a chain to read. names: of the target directions."""
    st.header("Path to core knowledge", anchor=False)
    st.caption(
        "From one instruction to the next along aligned edges to a target direction. A chain is as strong as its "
        "weakest link: of all paths this is the one whose weakest edge has the highest cosine, and of those the "
        "shortest."
    )
    weakest = path.bottleneck
    prompts = run.prompts(path.samples)
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
            right.markdown(literal(snippet(prompts[place], TEXT)))
            mark = " · **the weakest edge**" if place == weakest else ""
            st.caption(f":material/arrow_downward: cosine {number(float(path.cosines[place]))}{mark}")
        st.markdown(f"⬢ **Direction {path.component}**, closest to {literal(names[path.component])}")


def _ends(path: Path) -> list[str]:
    return [f"#{number(int(row))}" for row in path.samples] + [f"direction {path.component}"]
