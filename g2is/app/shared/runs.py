"""The runs under the cache folder: listing them, choosing one, and opening it."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from g2is.app.places import cache_folder
from g2is.app.shared.text import visible
from g2is.app.shared.url import all_texts, carry, one_of, put_in_url, url_value
from g2is.app.shared.visitor import seen
from g2is.run.paths import MANIFEST, MANIFEST_COPY
from g2is.run.run import Run
from g2is.storage.files import inside, is_text


def run_folders() -> dict[str, Path]:
    """The runs under the cache folder that the visitor may see, by name, damaged ones included; the newest first."""
    try:
        # A run that lost its manifest can still be found by the copy.
        folders = {
            path.parent for name in (MANIFEST, MANIFEST_COPY) for path in cache_folder().glob(f"[!.]*/{name}")
        }
    except OSError:
        folders = set()
    folders = seen(folder for folder in folders if is_text(folder.name))  # others cannot stand in a link
    times = {folder: _written(folder / MANIFEST) or _written(folder / MANIFEST_COPY) for folder in folders}
    return {
        folder.name: folder for folder in sorted(folders, key=lambda folder: (-times[folder], folder.name))
    }


def _written(path: Path) -> float:
    """When a file was written, as far as clocks tell; 0 where it has just been moved away."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def choose_run(folders: dict[str, Path]) -> Path:
    """The run that the URL names, and the sidebar's box to choose another."""
    names = list(folders)
    # Not `in_url`: the run always stands in the URL, since a link must not depend on what else lies there.
    name = url_value("run", names[0], one_of(names))
    if "run" not in all_texts():
        put_in_url(run=name)
    st.session_state["run_box"] = name
    with st.sidebar:
        st.selectbox(
            "Run",
            names,
            key="run_box",
            format_func=visible,
            on_change=_change_run,
            help="A run holds one pool of instructions, their gradients, and the graph over them.",
        )
    return folders[name]


def _change_run() -> None:
    """Forget samples and selections, which are those of one run."""
    # Streamlit calls this as well where the box comes back on another page, with the run that was chosen all along.
    if all_texts().get("run") == [st.session_state["run_box"]]:
        return
    st.session_state["url_of_page"] = {}
    carry()
    st.session_state.pop("basket in link of", None)
    put_in_url(**{**dict.fromkeys(all_texts()), "run": st.session_state["run_box"]})


def read_run(folder: Path) -> Run:
    """Open a run; kept open until its manifest changes. Raises `InputError`."""
    try:
        inside(cache_folder(), folder.name)
        state = (folder / MANIFEST).stat()
        # The time alone would not do: clocks jump, and copies keep the times of what they copy.
        stamp = state.st_mtime_ns, state.st_size, state.st_ino
    except OSError:
        stamp = 0, 0, 0
    run = open_run(str(folder), stamp)
    if run.files.overwritten:
        open_run.clear(str(folder), stamp)
        run = open_run(str(folder), stamp)
    return run


@st.cache_resource(max_entries=8, show_spinner=False)
def open_run(folder: str, stamp: tuple[int, int, int]) -> Run:
    """A run as its manifest was at `stamp`. Arrays are read-only, so that sessions share it."""
    return Run.open(folder)
