"""The instructions a page is about: the one in focus, saved selections, the basket, and a record in full."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import streamlit as st

from g2is.app.shared.aside import SET, basket
from g2is.app.shared.conversation import show_turns
from g2is.app.shared.text import literal, number, prose, show_text, visible
from g2is.app.shared.url import all_texts, in_url, one_of, put_in_url, url_value, whole
from g2is.errors import InputError
from g2is.run.paths import SELECTIONS, selection_file
from g2is.run.run import Run
from g2is.run.selections import Selection, changes, select_set
from g2is.storage.files import is_text

BASKET = "basket"


def focus(run: Run) -> int | None:
    """The instruction that the URL names. `set_url(focus=…)` in a callback changes it."""
    return url_value("focus", None, whole(0, len(run.instructions) - 1))


def saved_selections(run: Run) -> dict[str, Path]:
    """Selection files of a run by name, the newest first. None is read: there may be thousands."""
    folder = run.folder / SELECTIONS
    with suppress(OSError):
        stamp = stamp_of(folder)
        kept = _listed.get(folder)
        if kept is None or kept[0] != stamp or not stamp:
            # Two changes within a tick of the clock have one time: what has just changed is listed again.
            settled = time.time_ns() - max(stamp[2:], default=0) > SETTLED
            kept = stamp, _list(run, folder)
            _listed.pop(folder, None)
            if settled:
                _listed[folder] = kept
        return dict(kept[1])
    return {}


def _list(run: Run, folder: Path) -> dict[str, Path]:
    times = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name
            if not name.endswith(".json") or name.startswith(".") or not is_text(name):
                continue
            # Not files outside the run that a link points to, nor files that were just moved away.
            with suppress(InputError, OSError):
                path = run.inside(SELECTIONS, name) if entry.is_symlink() else folder / name
                times[path] = entry.stat().st_mtime
    ordered = sorted(times, key=lambda path: (-times[path], path.name))
    return {path.stem: path for path in ordered}


_listed: dict[Path, tuple[tuple[int, ...], dict[str, Path]]] = {}
"""What is in folders of selections, with the stamp of the folder, which a change of any of its files by us changes."""
SETTLED = 2 * 10**9
"""Nanoseconds after which a folder that changes has another time."""


def read_selection(run: Run, name: str) -> Selection:
    """A saved selection, a named set as `set:NAME`, or the basket. Raises `InputError`."""
    if name == BASKET:
        return Selection.of(run, basket(run), BASKET, {})  # type: ignore[arg-type]
    if name.startswith(SET):
        return select_set(run, name.removeprefix(SET))
    path = run.inside(selection_file(name))
    return _open_selection(run, run.state, str(path), stamp_of(path))


def stamp_of(path: Path) -> tuple[int, ...]:
    """Changes with the file, for caches; copies keep the times of what they copy, so that the time alone would not
    do."""
    try:
        state = path.stat()
    except OSError:
        return ()
    return state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns


def show_changes(run: Run, selections: Mapping[str, Selection]) -> None:
    """What has changed in the run since these were selected, each change once; nothing where nothing has. selections:
    by what the page calls them, "" for the one that it is about."""
    for line in change_lines({name: changes(run, selection) for name, selection in selections.items()}):
        st.caption(f":material/info: {line}")


def change_lines(changed: Mapping[str, Sequence[str]]) -> list[str]:
    """Each change with the selections that it is true of, in Markdown. changed: the changes by name of the
    selection."""
    of: dict[str, list[str]] = {}
    for name, lines in changed.items():
        for line in lines:
            of.setdefault(line, []).append(name)
    return [f"{_who(names, len(changed))}: {prose(line)}." for line, names in of.items()]


def _who(names: Sequence[str], known: int) -> str:
    if names == [""]:
        return "This selection"
    if len(names) == known > 1:
        return "Both selections" if known == 2 else f"Each of these {known} selections"
    more = len(names) - NAMED
    listed = ", ".join(literal(name) for name in names[:NAMED])
    return f"{listed} and {more} more" if more > 0 else listed


NAMED = 3
"""Selections that are named where a change is true of several; of more, how many."""


@st.cache_resource(max_entries=256, show_spinner=False)
def _open_selection(_run: Run, run_hash: str, path: str, stamp: tuple[int, ...]) -> Selection:
    return Selection.read(Path(path), _run)


def choices(run: Run) -> dict[str, str]:
    """The names that `read_selection` reads, with their labels: saved selections, sets, the basket."""
    labels = {name: visible(name) for name in saved_selections(run)}
    labels |= {f"{SET}{name}": f"set {name}" for name in run.sets.names()}
    # The browser sends the label of what is chosen, so that a label must not change with what the basket holds.
    return labels | ({BASKET: BASKET} if basket(run) else {})


def choose_selection(
    run: Run,
    label: str,
    *,
    none: str | None = None,
    first: Callable[[Run, Sequence[str]], str] | None = None,
    help: str | None = None,
) -> str | None:
    """A box over the saved selections, the sets and the basket; their name, or None for the entry called `none`.

    first: picks what it opens with of the names where the address names none, or one that is not there.
    """
    labels = choices(run)
    names = list(labels)
    if none is None and not names:
        return None
    default = ""
    if none is not None:
        labels = {"": none, **labels}
    elif (asked := all_texts().get("selection", [""])[-1]) not in names:
        default = first(run, names) if first else names[0]
        if not asked:
            # A link must not depend on which selections there are when it is opened.
            put_in_url(selection=default)
    chosen = st.selectbox(
        label,
        list(labels),
        format_func=lambda name: labels[name],
        help=help,
        # A filter is the page's own, so links from Walk or Export do not carry it.
        **in_url("selection" if none is None else "within", default, one_of(names)),
    )
    return chosen or None


def show_record(run: Run, sample: int) -> None:
    """One instruction in full: source, facts, every turn, and its source record."""
    row = run.record(sample)
    st.markdown(f"**Instruction {number(sample)}** · {literal(f'{row.source}:{row.line}')}")
    st.caption(facts_of(run, sample))
    problem = row.get("problem")
    if run.gone[sample]:
        st.warning(
            "Removed from the pool: it is never selected, and can be restored.", icon=":material/delete:"
        )
    elif isinstance(problem, str):
        st.warning(f"No gradient, so it is never selected: {prose(problem)}", icon=":material/block:")
    show_turns(json.loads(row["messages"]), f"instruction {sample}")
    if isinstance(row["tools"], str):
        with st.expander("Tools the assistant may call"):
            show_text(row["tools"], language="json")
    with st.expander("Source record"):
        show_text(row["raw"].decode("utf-8", "replace"), language="json")


def facts_of(run: Run, sample: int) -> str:
    """Facts about an instruction, in one line of Markdown."""
    row = run.instructions.iloc[sample]
    facts = [f"format {row.format}"]
    if isinstance(row.task, str):
        facts.append(f"task {literal(row.task)}")
    if "tokens" in row:
        facts.append(
            f"{number(int(row.tokens))} tokens, {number(int(row.trained_tokens))} of them in the answer"
        )
        facts.append(f"loss {number(float(row.loss))}")
        facts += [CUTS[int(row.cut)]] if row.cut else []
    if row["duplicate_of"] >= 0:
        facts.append(f"exact duplicate of instruction {number(int(row['duplicate_of']))}")
    return " · ".join(facts)


CUTS = {1: "too long: the start of the prompt was cut", 2: "too long: the end of the response was cut"}
