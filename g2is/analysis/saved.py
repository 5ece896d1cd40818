"""What is saved with a run, as tables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from g2is.errors import InputError, printable, shortened
from g2is.evaluation.results import Evaluation
from g2is.run.run import Run
from g2is.run.saved import Kind, names, note
from g2is.run.selections import Selection, made_for
from g2is.storage.files import read_small

MOST_BYTES = 64 * 2**20
"""Of the manifest of an export."""

COLUMNS = ("name", "instructions", "what", "note")


def saved_table(run: Run, kind: Kind, listed: Iterable[str] | None = None) -> pd.DataFrame:
    """One row for each thing of a kind, or for those `listed` alone, since each is read.

    Columns: name, instructions (their number, None where it has none), what (method,
    format, or where it came from; or why it cannot be read) and note."""
    rows = []
    for name in names(run, kind) if listed is None else listed:
        try:
            count, what = _DESCRIBE[kind.word](run, kind, name)
            text = note(run, kind, name)
        except InputError as error:
            count, what, text = None, f"cannot be read: {error}", ""
        rows.append({"name": name, "instructions": count, "what": what, "note": text})
    return pd.DataFrame(rows, columns=COLUMNS).astype({"instructions": "Int64"})


def _selection(run: Run, kind: Kind, name: str) -> tuple[int | None, str]:
    selection = Selection.read(kind.path(run, name), run)
    what = f"{selection.method}{for_targets(made_for(run, selection))}"
    return len(selection.samples), ", ".join(filter(None, (what, selection.gone)))


def for_targets(names: Sequence[str]) -> str:
    """That something is for these targets, in words that follow others; "" for none."""
    if not names:
        return ""
    listed = ", ".join(map(shortened, names))
    return printable(f" for target{'s' * (len(names) > 1)} {shortened(listed, 200)}")


def _set(run: Run, kind: Kind, name: str) -> tuple[int | None, str]:
    found = run.sets[name]
    return len(found), ", ".join(filter(None, (found.origin or "by hand", found.gone)))


def _export(run: Run, kind: Kind, name: str) -> tuple[int | None, str]:
    path = kind.path(run, name) / "g2is.json"
    try:
        content: Any = json.loads(read_small(path, MOST_BYTES))
        return int(content["counts"]["samples"]), f"{content['format']}, {content['method']}"
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise InputError(f"{path}: not the manifest of an export; export again") from None


def _evaluation(run: Run, kind: Kind, name: str) -> tuple[int | None, str]:
    evaluation = Evaluation.read(kind.path(run, name))
    selections = dict.fromkeys(one.selection for one in evaluation.fine_tunings)
    return None, f"{len(evaluation.fine_tunings)} fine-tunings: {', '.join(selections)}"


_DESCRIBE = {"selection": _selection, "set": _set, "export": _export, "evaluation": _evaluation}
