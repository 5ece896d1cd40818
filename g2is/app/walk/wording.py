"""Changes of the walk's settings in words, from what the URL has before and after. No Streamlit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from g2is.app.shared.labels import FIELDS, PRESETS, label, value_text
from g2is.app.shared.text import number, percent
from g2is.app.shared.timeline import Change, Texts
from g2is.app.walk.parameters import ROW_FIELDS, field_reader, read_rows
from g2is.config import DEFAULT_FRACTION, DEFAULT_PRESET, WALK_PRESETS, WalkParameters
from g2is.errors import InputError

MOST_NAMED = 2
"""Settings named in one line; of more, how many."""
VERBS = {"pins": ("pin", "unpin"), "bans": ("ban", "allow"), "only": ("choose from", "no longer from")}


def change_words(change: Change) -> str:
    """What a change did, in a few words such as "budget 60 → 120"."""
    if change.label is not None:
        return change.label
    before, after = change.before, change.after
    if before.get("preset") != after.get("preset"):
        return " → ".join(PRESETS[_preset(texts)][0] for texts in (before, after))
    names = sorted(change.changed, key=list(FIELDS).index if change.changed <= set(FIELDS) else None)
    if change.changed & {"fraction", "count"}:
        names = ["budget", *(name for name in names if name not in ("fraction", "count"))]
    said = [_words(name, before, after) for name in names]
    more = len(said) - MOST_NAMED
    return ", ".join(said[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _preset(texts: Texts) -> str:
    name = texts.get("preset", [DEFAULT_PRESET])[-1]
    return name if name in PRESETS else DEFAULT_PRESET


def _words(name: str, before: Texts, after: Texts) -> str:
    if name == "budget":
        return f"budget {budget_words(before)} → {budget_words(after)}"
    if name in ROW_FIELDS:
        return _rows_words(name, _rows(name, before), _rows(name, after))
    first, second = (_value(name, texts) for texts in (before, after))
    if name.startswith("target."):
        return (
            f"share of {name.removeprefix('target.')} {value_text(name, first)} → {value_text(name, second)}"
        )
    return setting_words(name, first, second)


def setting_words(name: str, before: object, after: object) -> str:
    """A setting that changed; with its values where these are short, and none of them text from data."""
    short = all(value is None or isinstance(value, bool | int | float | str) for value in (before, after))
    values = f" {value_text(name, before)} → {value_text(name, after)}" if short else ""
    return label(name) + values


def budget_words(texts: Texts) -> str:
    """The budget of a URL, as a number or in per cent."""
    for name, said in (("count", number), ("fraction", percent)):
        if name in texts:
            value = _value(name, texts)
            return said(value) if isinstance(value, int | float) else ", ".join(texts[name])
    return percent(DEFAULT_FRACTION)


def _value(name: str, texts: Texts) -> Any:
    """The value of a setting; its text where it is none."""
    if name not in texts:
        default = WalkParameters.model_fields[name].default if name in WalkParameters.model_fields else None
        return WALK_PRESETS[_preset(texts)].get(name, default)
    values = list(texts[name])
    if len(values) > 1 or name not in WalkParameters.model_fields:
        return tuple(values) if len(values) > 1 else values[0]
    try:
        return field_reader(name)(values[0])
    except ValueError:
        return tuple(values)


def _rows(name: str, texts: Mapping[str, Any]) -> tuple[int, ...]:
    try:
        return read_rows(texts.get(name, [""])[-1])
    except InputError:
        return ()


def _rows_words(name: str, before: tuple[int, ...], after: tuple[int, ...]) -> str:
    added = [row for row in after if row not in set(before)]
    removed = [row for row in before if row not in set(after)]
    on, off = VERBS[name]
    parts = [f"{verb} {_some(rows)}" for verb, rows in ((on, added), (off, removed)) if rows]
    return ", ".join(parts) or label(name)


def _some(rows: list[int]) -> str:
    return f"#{rows[0]:,}" if len(rows) == 1 else f"{len(rows):,} instructions"
