"""What a reader sees first: the one thing to do next, and the three ideas of the walk, drawn from a run."""

from __future__ import annotations

from html import escape
from pathlib import Path

import streamlit as st

from g2is.analysis.ideas import Ideas, ideas
from g2is.app import shared as ui
from g2is.app.shared.targets import TARGET
from g2is.app.shared.tour import offer_tour
from g2is.app.walk.parameters import preset_values, targets_of
from g2is.config import DEFAULT_PRESET, WalkParameters
from g2is.figures.ideas import gradients_svg, graph_svg, walk_svg
from g2is.run.run import Run

_FOLDER = Path(__file__).parent
_DRAW = (
    "export default ({ data, parentElement }) => { parentElement.querySelector('.ideas').innerHTML = data }"
)
QUOTED = 70
"""Characters of an instruction that are quoted."""


def show_action(run: Run) -> None:
    """The link to the walk on a finished run, and the tour."""
    names = _targets(run)
    examples = sum(target.size for target in run.targets if target.name in names)
    of = f"the target {ui.literal(names[0])}" if len(names) == 1 else f"{len(names)} targets"
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.container(key="first_action", width="content"):
            ui.link_to("Walk", "Select a subset", run=run.name)
        offer_tour()
        st.caption(
            f"of {ui.number(run.size)} instructions, by {ui.number(examples)} examples of {of} · run "
            f"{ui.literal(run.name)}"
        )


def _targets(run: Run) -> list[str]:
    """The targets that the walk is for, as it opens: those with a share in the address, or those of the build."""
    shares = {name: ui.all_texts().get(f"{TARGET}{name}", [""])[-1] for name in targets_of(run)}
    return [name for name, share in shares.items() if share.strip("0.")] or run.usual_targets


def show_ideas(run: Run) -> None:
    """Gradients, graph and walk, as this run has them."""
    found = _ideas(run, run.state)
    if found is None:
        return
    # Not st.html, which takes drawings out.
    picture = st.components.v2.component(
        "g2is_ideas", html='<div class="ideas"></div>', css=(_FOLDER / "ideas.css").read_text(), js=_DRAW
    )
    picture(key="ideas", data=ideas_html(run, found))


@st.cache_resource(max_entries=8, show_spinner="Drawing the first steps of a walk…")
def _ideas(_run: Run, run_hash: str) -> Ideas | None:
    return ideas(_run, WalkParameters(**preset_values(_run, DEFAULT_PRESET)))


def ideas_html(run: Run, found: Ideas) -> str:
    """The three pictures with their words. Texts of the run are escaped."""
    example = _quoted(run.validation["prompt"].iat[found.example])
    first = _quoted(run.prompts([found.first])[0])
    conflicts = int((found.around_cosines < 0).sum())
    below = (found.cosines < 0).mean()
    against = f", and {conflicts} that pull against it" if conflicts else ""
    pictures = (
        (
            "1 · Gradients",
            gradients_svg(found),
            f"Each arrow is how one text would move the model. Example {found.example} ({example}) asks for one "
            f"direction, and instruction {ui.number(found.first)} ({first}) points there most. {ui.percent(below)} of "
            "the pool pull the other way.",
        ),
        (
            "2 · Graph",
            graph_svg(found),
            f"Instructions that teach alike are neighbours. Around instruction {ui.number(found.first)}: its nearest, "
            f"closer and thicker by cosine{against}.",
        ),
        (
            "3 · Walk",
            walk_svg(found),
            f"For one example after the other the walk takes the closest instruction, and leaves out what conflicts or "
            f"adds nothing. Its first {len(found.taken)} steps, on the map of your pool.",
        ),
    )
    figures = (
        f"<figure><h2>{title}</h2>{picture}<figcaption>{words}</figcaption></figure>"
        for title, picture, words in pictures
    )
    return "".join(figures)


def _quoted(text: str) -> str:
    (line,) = ui.snippets([text], QUOTED)
    return f"“{escape(line)}”"
