"""Which field of the records plays which part: boxes that make a `--columns` argument."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from g2is.analysis.inspection import field_names
from g2is.app import shared as ui
from g2is.errors import InputError
from g2is.instructions import Source
from g2is.instructions.columns import PARTS

MEANINGS = {
    "prompt": "What is asked. Also a template of several fields, such as {question}\\n{options}.",
    "response": "What is trained.",
    "system": "The system prompt.",
    "messages": "A list of turns with roles; instead of prompt and response.",
    "reasoning": "The thinking before the response.",
    "tools": "The tools that the assistant may call.",
    "task": "The name of the task.",
}
MAIN = PARTS[:4]


def choose_columns(sources: Sequence[Source], *, expanded: bool, prefix: str = "") -> tuple[str, ...]:
    """The values of `--columns`: of all files, or of each that was given its own.

    expanded: whether the boxes are shown at first. prefix: of the keys of the widgets, as of `choose_sources`.
    """
    with st.expander("Columns: which field is which", expanded=expanded, icon=":material/view_column:"):
        st.caption(
            "Fields with well-known names are found by themselves. For a part that is not, choose its field, or type a "
            "template of several in braces: `{question}\\n{options}`."
        )
        scopes = [""] if len(sources) < 2 else ["", *(source.name for source in sources)]
        labels = {name: ui.visible(name) or "all files" for name in scopes}
        scope = (
            st.selectbox("Columns of", scopes, format_func=labels.__getitem__, key=f"{prefix}columns_of")
            if len(scopes) > 1
            else ""
        )
        chosen: dict[str, dict[str, str]] = st.session_state.setdefault(f"{prefix}check_data_columns", {})
        own = [source for source in sources if scope in ("", source.name)]
        _boxes(chosen.setdefault(scope, {}), _fields(own), scope, prefix)
    values = [
        (f"{name}:" if name else "") + ",".join(f"{part}={column}" for part, column in chosen[name].items())
        for name in scopes
        if chosen.get(name)
    ]
    if values:
        st.caption(f"--columns {' '.join(map(ui.literal, values))}")
    return tuple(values)


def _boxes(chosen: dict[str, str], fields: list[str], scope: str, prefix: str) -> None:
    """A box for each part, which writes to `chosen`."""
    for parts in (MAIN, PARTS[len(MAIN) :]):
        for column, part in zip(st.columns(len(MAIN)), parts, strict=False):
            key = f"{prefix}column {part} of {scope}"
            # What was typed is an option as well.
            typed = (chosen.get(part), st.session_state.get(key))
            options = list(dict.fromkeys([*fields, *filter(None, typed)]))
            value = column.selectbox(
                part.capitalize(),
                options,
                index=options.index(chosen[part]) if part in chosen else None,
                format_func=ui.visible,
                placeholder="by its name",
                accept_new_options=True,
                key=key,
                help=MEANINGS[part],
            )
            if value:
                chosen[part] = value
            else:
                chosen.pop(part, None)


def _fields(sources: Sequence[Source]) -> list[str]:
    """The fields of the files' first records; what cannot be read is said where the files are read."""
    names: dict[str, None] = {}
    for source in sources:
        try:
            names.update(dict.fromkeys(field_names(source)))
        except InputError:
            continue
    return list(names)
