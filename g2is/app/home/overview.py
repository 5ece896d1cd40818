"""Overview of a run: its state, its numbers, what to do next."""

import streamlit as st

from g2is.app import shared as ui
from g2is.app.home.contents import show_facts, show_regimes, show_sources
from g2is.app.home.saved import show_saved
from g2is.app.home.stages import missing_stages, show_stages
from g2is.app.shared.arrivals import say_what_came
from g2is.app.shared.removing import show_removals
from g2is.app.shared.targets import show_targets_of
from g2is.app.shared.text import show_command
from g2is.graph.duplicates import LEAST_COSINE, count_near_duplicates
from g2is.run.run import Run

PAGES = {
    "Walk": "Select a subset step by step, and see why each instruction is in or not.",
    "Map": "All instructions on a map; similar ones are close together.",
    "Neighbourhood": "What is similar to one instruction, and what conflicts with it.",
    "Instructions": "Search and filter the pool, and read any instruction in full.",
    "Core knowledge": "The target directions that the validation examples define.",
    "Compare": "Selections side by side: overlap, measures, and results of fine-tuning.",
    "Export": "Write a selection as files that your trainer reads.",
    "Check data": "How other files would be read, and what would be trained, before a build.",
}


def show_run(run: Run) -> None:
    """Everything about the run."""
    if ui.show_damage(run):
        return
    stages = run.manifest.stages
    say_what_came(run)
    if missing := missing_stages(run):
        st.warning(f"Not finished: {', '.join(missing)}. This command resumes the build:")
        show_command(ui.build_command(run.manifest, run.name))
    if "instructions" not in stages:
        return
    counts = {**stages["instructions"].found, **(stages["gradients"].found if "gradients" in stages else {})}
    with st.grid(4):
        gone = counts["pool"] - run.size
        removed = f" {ui.number(gone)} more were removed from the pool." if gone else ""
        st.metric("Pool", ui.number(run.size), border=True, help=f"Instructions to select from.{removed}")
        st.metric(
            "Validation",
            ui.number(sum(target.size for target in run.targets)),
            border=True,
            help="Examples of the target: what the model should get good at.",
        )
        if "valid" in counts:
            st.metric(
                "With a gradient",
                ui.number(int(run.valid.sum()) if gone else counts["valid"]),
                border=True,
                help="An instruction without one has no tokens to train on, or is malformed; it is never selected.",
            )
        st.metric("Selections saved", ui.number(len(ui.saved_selections(run))), border=True)
    show_leaks(run)
    if "graph" in stages:
        show_near_duplicates(run)
    left, right = st.columns([3, 2], gap="large")
    with left:
        if "graph" in stages:
            show_regimes(run)
        show_sources(run, counts)
        show_removals(run)
        if "targets" in stages:
            st.subheader("Validation targets", anchor=False)
            show_targets_of(run, key="home")
        show_saved(run)
    with right:
        show_stages(run)
        show_facts(run, counts)


def show_leaks(run: Run) -> None:
    """How many instructions may be copies of validation examples, where there are any."""
    count = len(run.leaks) if run.searched_for_leaks else 0
    if count:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.warning(
                f"**{ui.number(count)} possible leak{'s' if count > 1 else ''}**: instructions that are near-copies of "
                "validation examples. Trained on, they make the model look better than it is.",
                icon=":material/warning:",
            )
            ui.link_to("Neighbourhood", "See and ban them", focus=int(run.leaks["sample"].iloc[0]))


def show_near_duplicates(run: Run) -> None:
    """How many instructions are near-duplicates of an earlier one, where there are any."""
    count = count_near_duplicates(run.near_duplicates)
    if not count:
        return
    by_text = int((run.present["duplicate_of"] >= 0).sum())
    with st.container(horizontal=True, vertical_alignment="center"):
        st.info(
            f"**{ui.number(count)} near-duplicate{'s' if count > 1 else ''}**: instructions with the same text as an "
            f"earlier one ({ui.number(by_text)}), or with a gradient of cosine {LEAST_COSINE} or more to one. They "
            "make a selection smaller than it looks.",
            icon=":material/content_copy:",
        )
        ui.link_to("Walk", "Select one of each", dedupe=True)


def show_pages() -> None:
    """What each page is for."""
    st.header("Pages", anchor=False)
    with st.container(key="pages"), st.grid(2, min_column_width=300, gap="xsmall"):
        for title in [title for title in PAGES if title in ui.pages()]:
            with st.container(gap=None):
                ui.link_to(title, title)
                st.caption(PAGES[title])
