"""The settings of the walk as they stand in the URL, each as far as it differs from the preset."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from g2is.app.shared import all_texts, literal, one_of, set_url, url_value
from g2is.config import DEFAULT_FRACTION, DEFAULT_PRESET, WALK_PRESETS, RegimeName, WalkParameters
from g2is.config.names import split_reference
from g2is.errors import InputError
from g2is.run.run import Run

ROW_FIELDS = ("pins", "bans", "only")
"""Settings that list instructions."""
SET_FIELDS = ("pin_sets", "ban_sets", "only_sets")
"""Settings that name sets of instructions."""
KEPT_FIELDS = (
    *ROW_FIELDS,
    *SET_FIELDS,
    "sources",
    "without_sources",
    "where",
    "dedupe",
    "share",
    "targets",
    "without_target_rows",
)
"""Settings that say what to choose from and for; a change of the preset keeps them."""
PRESET_FIELDS = tuple(name for name in WalkParameters.model_fields if name not in KEPT_FIELDS)
"""Settings that a preset decides."""


def use_preset(preset: str) -> None:
    """Set every value to that of a preset; for callbacks."""
    set_url(**dict.fromkeys(PRESET_FIELDS), preset=None if preset == DEFAULT_PRESET else preset)


def current_preset() -> str:
    """The preset that the settings start from."""
    return url_value("preset", DEFAULT_PRESET, one_of(WALK_PRESETS))


def preset_values(run: Run, preset: str) -> dict[str, Any]:
    """Every field of `WalkParameters` as the preset has it, in a regime that the run keeps and with at most as many
    neighbours."""
    values = {
        **{name: field.default for name, field in WalkParameters.model_fields.items()},
        **WALK_PRESETS[preset],
        "fraction": DEFAULT_FRACTION,
    }
    if values["regime"] not in run.regimes:
        values["regime"] = run.regimes[0]
    if values["neighbors"] is not None:
        values["neighbors"] = min(values["neighbors"], run.regime(values["regime"]).neighbors.shape[1])
    return values


def parameters_in_url(run: Run) -> WalkParameters:
    """The settings of the walk as they go along from page to page, for pages without the panel.

    A value that cannot be used is reported on the page. Raises `InputError` where the values exclude each other.
    """
    values = preset_values(run, current_preset())
    for name, default in values.items():
        if name in ROW_FIELDS:
            values[name] = url_value(name, None, read_rows) or ()
        elif name in SET_FIELDS:
            values[name] = tuple(url_value(name, [], set_of(run)))
        elif name in ("sources", "without_sources"):
            values[name] = tuple(url_value(name, [], one_of(run.source_names))) or default
        elif name in ("where", "share"):
            values[name] = tuple(url_value(name, [], field_text(name)))
        elif name == "component_budgets":
            values[name] = url_value(name, None, read_budgets)
        elif name == "targets":
            shares = {key: url_value(f"target.{key}", None, read_share) for key in targets_of(run)}
            given = {key: share for key, share in shares.items() if share is not None}
            values[name] = dict.fromkeys(shares, 0.0) | given if given else None
        else:
            values[name] = url_value(name, default, field_reader(name))
    if values["count"] is not None:
        values["fraction"] = None
    return WalkParameters(**values)


def say_missing_targets(run: Run) -> None:
    """Say which targets the URL names that the run does not have, such as one that was removed."""
    known = targets_of(run)
    asked = [name.removeprefix("target.") for name in all_texts() if name.startswith("target.")]
    if missing := [name for name in asked if name not in known]:
        st.warning(
            f"The address of this page asks for {', '.join(literal(name) for name in missing)}: the run has no such "
            f"target. It has {', '.join(literal(name) for name in known)}.",
            icon=":material/link_off:",
        )


def walk_regime(run: Run) -> RegimeName:
    """The gradient regime of the walk's settings."""
    regime: RegimeName = url_value(
        "regime", preset_values(run, current_preset())["regime"], one_of(run.regimes)
    )
    return regime


def targets_of(run: Run) -> list[str]:
    """The validation targets of a run."""
    return list(dict.fromkeys(run.validation["target"]))


def field_reader(name: str) -> Callable[[str], Any]:
    """Reads one field from a URL by the rules of `WalkParameters`."""

    def read(text: str) -> Any:
        # Budgets by component, so that no budget field is missed or one too many.
        return getattr(WalkParameters(**{"component_budgets": (1,), name: text}), name)

    return read


def field_text(name: str) -> Callable[[str], str]:
    """Checks one text of a field that holds several."""

    def read(text: str) -> str:
        WalkParameters(**{"component_budgets": (1,), name: (text,)})
        return text

    return read


def set_of(run: Run) -> Callable[[str], str]:
    """Reads the name of a set of the run."""

    def read(text: str) -> str:
        name, _ = split_reference(text)
        one_of(run.sets.names())(name)
        return text

    return read


def read_rows(text: str) -> tuple[int, ...]:
    """Row numbers from any list that a person would paste: "3, 17 1,204" is 3, 17, 1 and 204."""
    parts = re.split(r"[\s,;]+", text.strip()) if text.strip() else []
    for part in parts:
        if not re.fullmatch(r"#?\d{1,12}", part):
            raise InputError(f"{part!r} is not a row number; write numbers such as 3, 17, 204")
    return tuple(dict.fromkeys(int(part.lstrip("#")) for part in parts))


def add_row(name: str, sample: int) -> None:
    """Add an instruction to `pins` or `bans`, or remove it where it is there already; for callbacks."""
    rows = [row for row in rows_in_url(name) if row != sample]
    if len(rows) == len(rows_in_url(name)):
        rows.append(sample)
    other = "bans" if name == "pins" else "pins"
    others = [row for row in rows_in_url(other) if row != sample]
    set_url(**{name: row_list(rows), other: row_list(others)})


def rows_in_url(name: str) -> tuple[int, ...]:
    """The instructions that `pins`, `bans` or `only` hold in the URL."""
    try:
        return read_rows(all_texts().get(name, [""])[-1])
    except InputError:
        return ()


def row_list(rows: Sequence[int]) -> str | None:
    """Row numbers as a URL holds them."""
    return ", ".join(map(str, rows)) or None


def read_share(text: str) -> float:
    """The share of a target from a URL."""
    share = float(text)
    if not 0 <= share < float("inf"):
        raise ValueError("expected a number of 0 or more")
    return share


def read_budgets(text: str) -> tuple[int, ...]:
    """Budgets from a URL, as "24,17,13"."""
    if not re.fullmatch(r"\d{1,9}(,\d{1,9})*", text):
        raise ValueError("expected whole numbers with commas between them, one for each component")
    return tuple(map(int, text.split(",")))
