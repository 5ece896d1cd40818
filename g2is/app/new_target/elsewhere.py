"""Where this machine has no model: the command for one that has it, with the examples to take along."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from g2is.app.new_target.job import plain_name
from g2is.app.shared import literal
from g2is.app.shared.text import show_command
from g2is.config import ReadingConfig
from g2is.config.commands import command, target_words
from g2is.instructions import Source
from g2is.run.run import Run

OUTPUT = "target.g2is"


def show_elsewhere(run: Run, name: str, sources: Sequence[Source], reading: ReadingConfig) -> None:
    """The steps, from the download to the upload."""
    st.header("On the machine with the model", anchor=False)
    st.markdown(
        "1. Take the examples along:\n"
        f"2. Have the folder of the run {literal(run.name)} there, under `cache/`; of it `manifest.json` and the files "
        "`warmup*.safetensors` are enough.\n"
        f"3. Run the command below. It writes `{OUTPUT}`, a small file; `--model FOLDER` says where the model is, if "
        "not where it was.\n"
        "4. Upload that file here, under **A file from another machine**."
    )
    with st.container(horizontal=True):
        for place, source in enumerate(sources):
            st.download_button(
                f"Download {literal(plain_name(source.name))}",
                source.path.read_bytes(),
                file_name=plain_name(source.name),
                icon=":material/download:",
                key=f"examples to take along {place}",
                on_click="ignore",
            )
    show_command(compute_command(run.name, name, sources, reading))


def compute_command(run: str, name: str, sources: Sequence[Source], reading: ReadingConfig) -> str:
    """The command that takes the gradients of the downloaded examples."""
    files = [plain_name(one.name) + (f":{one.split}" if one.split else "") for one in sources]
    return command(
        *target_words("compute", run, [f"{name}={file}" for file in files], reading, output=OUTPUT)
    )
