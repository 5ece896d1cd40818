"""Building the demo run: the button that starts it, and its progress."""

from pathlib import Path

import streamlit as st

from g2is.app import shared as ui
from g2is.app.home.stages import STAGES
from g2is.app.shared import building
from g2is.app.shared.text import show_command, show_output
from g2is.app.shared.visitor import may_write
from g2is.errors import InputError
from g2is.pipeline.progress import Progress


def offer_demo() -> None:
    """The button that builds the demo run, and its progress."""
    if not may_write():
        if not ui.run_folders():
            st.info("There is no run on this server that you may see.", icon=":material/lock:")
        return
    cache = ui.cache_folder()
    with st.container(border=True):
        st.subheader("The demo run", anchor=False)
        st.markdown(
            "A small model and a few thousand made-up instructions come with the tool, so nothing is downloaded. "
            "Building takes two to three minutes on a laptop, most of it for fine-tuning on a few selections so that "
            "they can be compared; it continues if you close this page."
        )
        if not building.POSSIBLE:
            show_command("g2is demo")
        elif building.running(cache):
            follow_build()
        else:
            lines = building.log_lines(cache)
            if lines:
                st.warning("The last build ended before the run was complete. Starting again resumes it.")
            st.button(
                "Resume building the demo run" if lines else "Build the demo run",
                type="primary",
                icon=":material/play_arrow:",
                on_click=begin_demo,
                args=(cache,),
            )
            if lines:
                with st.expander("Output of the last build", expanded=True):
                    show_output(lines)
    with st.expander("Or build a run of your own"):
        st.markdown(
            "On the machine with the GPU; the folder it writes under `cache/` opens anywhere, without a GPU."
        )
        show_command(
            "g2is build --run mine --model FOLDER_OR_NAME \\\n"
            "    --train pool.jsonl --validation target=examples.jsonl"
        )
        ui.link_to("Check data", "First check how your files will be read and what will be trained")


@st.fragment(run_every=1)
def follow_build() -> None:
    """Progress, log and cancel; looks again every second."""
    cache = ui.cache_folder()
    if not building.running(cache):
        if building.RUN in ui.run_folders():
            ui.set_url(run=building.RUN)
        st.rerun()
    lines = building.log_lines(cache)
    if progress := building.progress(cache):
        st.progress(progress.share, progress_text(progress))
    else:
        st.progress(0.0, "Starting: loading the libraries and the model")
    st.caption("Stages: " + " → ".join(STAGES))
    st.button("Cancel", icon=":material/stop:", on_click=building.cancel, args=(cache,))
    show_output(lines[-12:])


def progress_text(progress: Progress) -> str:
    """Stage, count, and time left as far as they are known."""
    parts = [f"**{progress.stage}**"]
    if progress.total:
        parts.append(f"{ui.number(progress.done)} of {ui.number(progress.total)}")
    if progress.seconds_left is not None:
        parts.append(f"{ui.duration(round(progress.seconds_left))} left in this stage")
    return " · ".join(parts)


def begin_demo(cache: Path) -> None:
    """Starts the build; for callbacks."""
    try:
        building.start(cache)
    except InputError as error:
        ui.show_error(error)
