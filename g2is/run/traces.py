"""A walk's trace as one small Parquet file beside its selection.

Each row is an event: a sample taken (event: pin, anchor, neighbor, fallback) or a neighbour rejected (event: the rule
it broke). Values of the whole walk are in the metadata of the file.
"""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from g2is.config import WalkParameters
from g2is.errors import InputError
from g2is.storage.files import write_file
from g2is.walk import ORIGINS, RULES, Rejections, Steps, WalkTrace

_KEY = b"g2is"


def trace_path(selection: Path) -> Path:
    """The trace file that belongs to a selection file."""
    return selection.with_name(selection.name.removesuffix(".json") + ".trace.parquet")


def write_trace(path: Path, trace: WalkTrace) -> None:
    """Write a trace; the file is complete or absent."""
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
    write_file(path, lambda file: pq.write_table(table, file, compression="zstd"))


def read_trace(path: Path) -> WalkTrace:
    """Read what `write_trace` wrote; raises `InputError` for anything else."""
    try:
        table = pq.read_table(path)
        about = json.loads(table.schema.metadata[_KEY])
        columns = {
            name: table[name].combine_chunks().to_numpy(zero_copy_only=False)
            for name in table.column_names
            if name != "event"
        }
        event = table["event"].combine_chunks().indices.to_numpy()
        taken, rejected = event < len(ORIGINS), event >= len(ORIGINS)
        steps = {"origin": event.astype(np.uint8), "previous": columns["other"], "cosine": columns["value"]}
        rejections = {"rule": (event - len(ORIGINS)).astype(np.uint8), "member": columns["other"]}
        return WalkTrace(
            parameters=WalkParameters(**about["parameters"]),
            rows=about["rows"],
            steps=Steps(**{f.name: {**columns, **steps}[f.name][taken] for f in fields(Steps)}),
            rejections=Rejections(
                **{f.name: {**columns, **rejections}[f.name][rejected] for f in fields(Rejections)}
            ),
            budgets=np.array(about["budgets"], np.int64),
            stopped=np.array(about["stopped"], np.uint8),
            weights=np.array(about["weights"]),
            targets=tuple(about["targets"]),
        )
    except OSError as error:
        raise InputError(f"{path}: not readable ({error}); walk again to write it") from None
    except Exception as error:  # Arrow raises many kinds for a file that is not Parquet
        reason = str(error) or type(error).__name__
        raise InputError(f"{path}: not the trace of a walk ({reason}); walk again to write it") from None
