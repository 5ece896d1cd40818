"""A walk's trace as the bytes of a small Parquet file, which stand in the file of its selection.

Each row is an event: a sample taken (event: pin, anchor, neighbor, fallback) or a neighbour rejected (event: the rule
it broke). Values of the whole walk are in the metadata of the file.
"""

from __future__ import annotations

import json
from dataclasses import fields
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from g2is.config import WalkParameters
from g2is.errors import InputError, shortened
from g2is.storage.parquet import read_small_table
from g2is.walk import ORIGINS, RULES, Rejections, Steps, WalkTrace
from g2is.walk.trace import NEIGHBOR, PIN, REJECTION_TYPES, STEP_TYPES, STOPS

_KEY = b"g2is"
LARGEST_COSINE = 1.1
"""Rows of few bits are of length 1 within a few percent."""
MOST_EVENTS = 2**24
"""Of a trace, where nothing is known of its run."""


def trace_path(selection: Path) -> Path:
    """The file that had the trace of a selection in earlier versions."""
    return selection.with_name(selection.name.removesuffix(".json") + ".trace.parquet")


def trace_bytes(trace: WalkTrace) -> bytes:
    """A trace as the bytes of a Parquet file."""
    steps, rejections = trace.steps, trace.rejections
    step_count, rejection_count = len(steps), len(rejections)

    def column(of_steps: np.ndarray, of_rejections: np.ndarray) -> np.ndarray:
        return np.concatenate([of_steps, of_rejections])

    def none(count: int, kind: type = np.float32) -> np.ndarray:
        return np.full(count, np.nan if kind is np.float32 else -1, dtype=kind)

    table = pa.table(
        {
            "step": column(np.arange(step_count, dtype=np.int32), rejections.step),
            "sample": column(steps.sample, rejections.sample),
            "event": pa.DictionaryArray.from_arrays(
                column(steps.origin, rejections.rule + len(ORIGINS)).astype(np.int8), [*ORIGINS, *RULES]
            ),
            "component": column(steps.component, none(rejection_count, np.int32)),
            # Steps: the previous sample, and the cosine to it. Rejections: the member, and the number that failed.
            "other": column(steps.previous, rejections.member),
            "value": column(steps.cosine, rejections.value),
            "affinity": column(steps.affinity, none(rejection_count)),
            "before": column(steps.before, none(rejection_count)),
            "after": column(steps.after, none(rejection_count)),
        }
    )
    about = {
        "parameters": trace.parameters.model_dump(),
        "rows": trace.rows,
        "budgets": trace.budgets.tolist(),
        "stopped": trace.stopped.tolist(),
        "weights": [float(weight) for weight in trace.weights],
        "targets": trace.targets,
    }
    table = table.replace_schema_metadata({_KEY: json.dumps(about).encode()})
    written = BytesIO()
    pq.write_table(table, written, compression="zstd")
    return written.getvalue()


def trace_of(data: bytes, path: Path, events: int = MOST_EVENTS) -> WalkTrace:
    """The trace that `trace_bytes` wrote. path: the file that it stands in. events: how many it has at most.

    Raises `InputError` for anything else: columns of other types, values that no walk has, and before any is read for
    more events.
    """
    try:
        table = read_small_table(BytesIO(data), _COLUMNS, events)
        about = _About.model_validate_json(table.schema.metadata[_KEY])
        event = table["event"].combine_chunks()
        known = {name: code for code, name in enumerate([*ORIGINS, *RULES])}
        codes = np.array([known[name] for name in event.dictionary.to_pylist()], np.int64)[
            event.indices.to_numpy()
        ]
        taken, rejected = codes < len(ORIGINS), codes >= len(ORIGINS)
        columns = {name: _column(table, name, kind) for name, kind in _KINDS.items()}
        columns |= {"previous": columns["other"], "cosine": columns["value"], "member": columns["other"]}
        if not np.array_equal(columns["step"][taken], np.arange(np.count_nonzero(taken))):
            raise ValueError("step: expected the numbers of the steps in order")
        steps = {**columns, "origin": codes}
        rejections = {**columns, "rule": codes - len(ORIGINS)}
        trace = WalkTrace(
            parameters=WalkParameters(**about.parameters),
            rows=about.rows,
            steps=Steps(
                *(_typed(steps[f.name][taken], k) for f, k in zip(fields(Steps), STEP_TYPES, strict=True))
            ),
            rejections=Rejections(
                *(
                    _typed(rejections[f.name][rejected], k)
                    for f, k in zip(fields(Rejections), REJECTION_TYPES, strict=True)
                )
            ),
            budgets=np.array(about.budgets, np.int64),
            stopped=np.array(about.stopped, np.uint8),
            weights=np.array(about.weights, np.float64),
            targets=tuple(about.targets),
        )
        _check(trace)
    except ValidationError as error:
        first = error.errors()[0]
        where = shortened(".".join(map(str, first["loc"])) or first["msg"])
        raise InputError(f"{path}: not the trace of a walk ({where}); walk again to write it") from None
    except Exception as error:  # Arrow raises many kinds for a file that is not Parquet
        reason = shortened(str(error) or type(error).__name__, 200)
        raise InputError(f"{path}: not the trace of a walk ({reason}); walk again to write it") from None
    return trace


class _About(BaseModel):
    """What is in the metadata."""

    model_config = ConfigDict(extra="forbid", strict=True)
    parameters: dict[str, Any]
    rows: int = Field(ge=0, lt=2**31)
    budgets: list[Annotated[int, Field(ge=0, lt=2**53)]]
    stopped: list[Annotated[int, Field(ge=0, lt=len(STOPS))]]
    weights: list[Annotated[float, Field(allow_inf_nan=False)]]
    targets: list[str]


_KINDS = {
    **dict.fromkeys(("step", "sample", "component", "other"), "i"),
    **dict.fromkeys(("value", "affinity", "before", "after"), "f"),
}
"""Kinds of numbers in the columns."""
_COLUMNS = (*_KINDS, "event")


def _column(table: pa.Table, name: str, kind: str) -> np.ndarray:
    column = table[name].combine_chunks()
    values: np.ndarray = column.to_numpy(zero_copy_only=False)
    if values.dtype.kind != kind or column.null_count:
        raise ValueError(f"column {name} of {column.type}")
    return values


def _typed(values: np.ndarray, kind: type) -> np.ndarray:
    return values.astype(kind, copy=False)


def _check(trace: WalkTrace) -> None:
    """Raise `ValueError` for numbers of rows, components or steps that there are not, and for cosines of no vectors."""
    steps, rejections, count = trace.steps, trace.rejections, len(trace.budgets)
    if not count == len(trace.stopped) == len(trace.weights) == len(trace.targets):
        raise ValueError("budgets, stopped, weights and targets of different lengths")
    for name, values, least, end in (
        ("sample", steps.sample, 0, trace.rows),
        ("sample", rejections.sample, 0, trace.rows),
        # Only what was pinned is for no component.
        ("component", steps.component[steps.origin == PIN], -1, 0),
        ("component", steps.component[steps.origin != PIN], 0, count),
        ("previous", steps.previous[steps.origin == NEIGHBOR], 0, trace.rows),
        ("previous", steps.previous[steps.origin != NEIGHBOR], -1, 0),
        ("member", rejections.member, -1, trace.rows),
        ("step", rejections.step, 0, len(steps) + 1),
    ):
        if values.size and not (values.min() >= least and values.max() < end):
            raise ValueError(
                f"{name} {int(values.min())} to {int(values.max())}, expected {least} to {end - 1}"
            )
    for name, cosines, needed in (
        ("cosine", steps.cosine, steps.origin == NEIGHBOR),
        ("affinity", steps.affinity, steps.origin != PIN),
        ("before", steps.before, False),
        ("after", steps.after, False),
        ("value", rejections.value, False),
    ):
        missing = np.isnan(cosines)
        if (missing & needed).any() or not (np.abs(cosines[~missing]) <= LARGEST_COSINE).all():
            raise ValueError(f"{name}: expected cosines, from -1 to 1")
