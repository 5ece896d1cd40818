"""How a page opens: its frame, the links to the other pages, and the run it is about."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from g2is.app.places import SITE, default_cache
from g2is.app.shared.text import literal, show_error, visible
from g2is.app.shared.url import (
    all_texts,
    begin_run,
    forget_widgets,
    is_shared,
    one_of,
    put_in_url,
    remember_page,
    texts_of,
    url_value,
)
from g2is.config import commands
from g2is.config.commands import CACHE
from g2is.errors import InputError
from g2is.run.paths import MANIFEST, MANIFEST_COPY
from g2is.run.run import CONTENT_STAGES, Manifest, Run
from g2is.storage.files import inside

PAGE_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" stroke="#0072B2" stroke-width="2.5">'
    '<path d="M16 16 6 7M16 16 27 8M16 16 9 27M16 16 26 25" stroke="#56B4E9"/><g fill="#0072B2">'
    '<circle cx="6" cy="7" r="3"/><circle cx="27" cy="8" r="3"/><circle cx="9" cy="27" r="3"/></g>'
    '<circle cx="26" cy="25" r="3" fill="#E69F00" stroke="#E69F00"/><circle cx="16" cy="16" r="5" fill="#0072B2"/>'
    "</svg>"
)
ICONS = {
    "Home": "home",
    "Map": "scatter_plot",
    "Neighbourhood": "hub",
    "Core knowledge": "target",
    "Walk": "route",
    "Instructions": "article",
    "Compare": "compare_arrows",
    "Export": "download",
}


def pages() -> dict[str, Path]:
    """The pages that there are, by title in the order of their numbers."""
    found = {"Home": SITE / "app.py"}
    for path in sorted((SITE / "pages").glob("[0-9]*.py")):
        found[path.stem.partition("_")[2].replace("_", " ")] = path
    return found


def start_page(title: str) -> DeltaGenerator:
    """Page configuration and the head of the sidebar; the place there for `draw_navigation`."""
    # An icon by name would be fetched from the web.
    st.set_page_config(
        page_title=f"{title} · G2IS Explorer", page_icon=PAGE_ICON, layout="wide", menu_items={}
    )
    # Not in every run: one that is overtaken would leave the next without the widgets it had not come to.
    if st.session_state.get("page") != title:
        forget_widgets()
        st.session_state["page"] = title
    begin_run()
    remember_page(all_texts())
    with st.sidebar:
        st.markdown("#### :material/hub: G2IS Explorer")
        return st.container(gap="xxsmall")


def open_page(title: str, *, stages: Sequence[str] = CONTENT_STAGES) -> Run:
    """Set a page up and return the run chosen in the sidebar, with these stages finished where it has them.

    Where there is none, says which command makes it, and stops the page.
    """
    navigation = start_page(title)
    folders = run_folders()
    if not folders:
        draw_navigation(navigation)
        st.title(title, anchor=False)
        st.info("There is no run yet. The home page builds the demo run with one click.")
        link_to("Home", "Go to the home page")
        st.stop()
    folder = choose_run(folders)
    draw_navigation(navigation)
    st.title(title, anchor=False)
    try:
        run = read_run(folder)
    except InputError as error:
        show_closed(folder, error)
        st.stop()
    for stage in run.manifest.stage_names:
        if stage in stages and stage not in run.manifest.stages:
            st.error(
                f"This page needs the stage **{stage}**, which this run has not finished. This finishes it:"
            )
            st.code(build_command(run.manifest, run.name), language="bash", wrap_lines=True)
            st.stop()
    if show_damage(run):
        st.stop()
    return run


def show_damage(run: Run) -> bool:
    """Whether a file of the run is not as it was written; says which, and the command that mends it."""
    problems = run.damage()
    if problems:
        st.error(
            f"This run is damaged: {literal('; '.join(problems))}. This command mends it; it does "
            "again the stages that these files belong to, and those that build on them:",
            icon=":material/error:",
        )
        st.code(build_command(run.manifest, run.name), language="bash", wrap_lines=True)
    return bool(problems)


def show_closed(folder: Path, error: InputError) -> None:
    """Why a run cannot be opened, and the command that mends it where the copy of its manifest knows it."""
    show_error(error)
    with suppress(InputError):
        inside(cache_folder(), folder.name)
        manifest = Manifest.read(folder, MANIFEST_COPY)
        st.code(build_command(manifest, folder.name), language="bash", wrap_lines=True)


def draw_navigation(place: DeltaGenerator) -> None:
    """Links to all pages, each as it was left, with what all pages share as it is on this one."""
    with place:
        for title in pages():
            link_to(title, title, stretch=True)


def link_to(title: str, label: str, *, stretch: bool = False, **changes: object) -> None:
    """A link to another page with the same run, focus, selection and settings of the walk, or with `changes`, of which
    None takes a parameter out.

    No link is drawn where the page is missing.
    """
    if title not in pages():
        return
    own = st.session_state.get("url_of_page", {}).get(title, {})
    shared = {name: values for name, values in all_texts().items() if is_shared(name)}
    kept = {name: values for name, values in {**own, **shared}.items() if name not in changes}
    st.page_link(
        pages()[title],
        label=label,
        icon=f":material/{ICONS.get(title, 'web')}:",
        width="stretch" if stretch else "content",
        query_params={**kept, **texts_of(changes)},
    )


def cache_folder() -> Path:
    """Where runs live."""
    return Path(os.environ.get("G2IS_CACHE") or default_cache())


def run_folders() -> dict[str, Path]:
    """The runs under the cache folder by name, damaged ones included; the newest first."""
    try:
        # A run whose manifest is lost has its copy still.
        found = {
            path.parent for name in (MANIFEST, MANIFEST_COPY) for path in cache_folder().glob(f"[!.]*/{name}")
        }
    except OSError:
        found = set()
    times = {folder: _written(folder / MANIFEST) or _written(folder / MANIFEST_COPY) for folder in found}
    return {folder.name: folder for folder in sorted(found, key=lambda folder: (-times[folder], folder.name))}


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
    """Samples and selections of one run mean nothing in another."""
    st.session_state["url_of_page"] = {}
    put_in_url(**dict.fromkeys(all_texts()), run=st.session_state["run_box"])


def read_run(folder: Path) -> Run:
    """Open a run; kept open until its manifest changes. Raises `InputError`."""
    try:
        inside(cache_folder(), folder.name)
        found = (folder / MANIFEST).stat()
        # The time alone would not do: clocks jump, and copies keep the times of what they copy.
        stamp = found.st_mtime_ns, found.st_size, found.st_ino
    except OSError:
        stamp = 0, 0, 0
    return open_run(str(folder), stamp)


@st.cache_resource(max_entries=8, show_spinner=False)
def open_run(folder: str, stamp: tuple[int, int, int]) -> Run:
    """A run as its manifest was at `stamp`. Arrays are read-only maps, so that sessions share it."""
    return Run.open(folder)


def build_command(manifest: Manifest, name: str) -> str:
    """The command that finishes or repairs a run: with the same files and settings it resumes where it stopped."""
    cache = CACHE if cache_folder() == default_cache() else cache_folder()
    if is_demo(manifest):
        return commands.command("demo", "--run", name, cache=cache)
    return commands.build_command(
        manifest.configuration,
        name,
        [file.name for file in manifest.train],
        [(file.target or "", file.name) for file in manifest.validation],
        cache=cache,
    )


def is_demo(manifest: Manifest) -> bool:
    """Whether a run was built on the embedded model."""
    return manifest.is_demo
