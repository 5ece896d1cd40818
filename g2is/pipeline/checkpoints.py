"""Gradients of several data sets and several checkpoints of a warm-up as one matrix, as LESS uses them.

LESS scores a sample by the sum over checkpoints of `w_c cos(train_c, validation_c)`, w_c the checkpoint's mean learning
rate divided by the sum of all. Unit rows of the checkpoints side by side, each times `sqrt(w_c)`, have exactly this sum
as their product and are of length 1 themselves, so that everything that takes cosines of rows takes LESS's score
(Xia et al. 2024, arXiv 2402.04333).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from g2is.arrays.unit import lengths, unit
from g2is.errors import InputError
from g2is.pipeline.gradient_files import BERGSON_FILE, gradient_file, read_gradients
from g2is.storage.dtypes import stored_rows

CHECKPOINT = re.compile(r"^(.*?)[-_]?(?:ckpt|checkpoint)[-_]?(\d+)(?:[-_](?:adam|sgd|sign))?$", re.IGNORECASE)
"""A part of a path that names a checkpoint; LESS's folders are `{data set}-ckpt{step}-{adam or sgd}`."""


@dataclass(frozen=True)
class GradientFile:
    """A file of gradients; data: the name of its data set. checkpoint: the step in its path, "" where there is none."""

    path: Path
    data: str
    checkpoint: str = ""

    @classmethod
    def of(cls, path: Path) -> GradientFile:
        """The file, or that of LESS or bergson in a folder; raises `InputError` for a folder without one."""
        file = gradient_file(path)
        for part in reversed(file.parts[:-1] if path.is_dir() else (*file.parts[:-1], file.stem)):
            if match := CHECKPOINT.match(part):
                return cls(file, match[1] or file.stem, match[2].lstrip("0") or "0")
        return cls(file, file.parent.name if file.name == BERGSON_FILE else path.stem)

    def __str__(self) -> str:
        return f"{self.path} (checkpoint {self.checkpoint})" if self.checkpoint else str(self.path)


class GradientSet:
    """Gradient files of the same data sets, at one checkpoint or at several.

    Raises `InputError` where the checkpoints are not of the same data sets.
    """

    def __init__(self, files: Sequence[GradientFile]) -> None:
        self.by_checkpoint: dict[str, list[GradientFile]] = {}
        for file in files:
            if file.path in [other.path for other in files if other is not file]:
                raise InputError(f"{file.path}: given twice; expected each file of gradients once")
            self.by_checkpoint.setdefault(file.checkpoint, []).append(file)
        if len(self.by_checkpoint) > 1:
            self._align()
        self.checkpoints = sorted(self.by_checkpoint, key=lambda step: int(step or 0))

    def _align(self) -> None:
        """Put the data sets of every checkpoint into the order of the first one."""
        if "" in self.by_checkpoint:
            raise InputError(
                f"{self.by_checkpoint[''][0].path}: its path names no checkpoint, others do; expected folders such as "
                "dolly-ckpt105-adam for all"
            )
        first, *others = self.by_checkpoint
        names = [file.data for file in self.by_checkpoint[first]]
        for step in others:
            files = {file.data: file for file in self.by_checkpoint[step]}
            if len(files) != len(self.by_checkpoint[step]) or sorted(files) != sorted(names):
                raise InputError(
                    f"gradients at checkpoint {first} are of {', '.join(names)}, at checkpoint {step} of "
                    f"{', '.join(file.data for file in self.by_checkpoint[step])}; expected the same data sets at each"
                )
            self.by_checkpoint[step] = [files[name] for name in names]

    @property
    def files(self) -> list[GradientFile]:
        """All files, checkpoint by checkpoint."""
        return [file for step in self.checkpoints for file in self.by_checkpoint[step]]

    @property
    def data(self) -> list[str]:
        """Names of the data sets in order."""
        return [file.data for file in self.by_checkpoint[self.checkpoints[0]]]

    def read(self) -> Rows:
        """The rows of all data sets, one after another, for each checkpoint.

        Raises `InputError` where dimensions or numbers of samples differ.
        """
        by_checkpoint, counts = {}, None
        for step in self.checkpoints:
            files = self.by_checkpoint[step]
            parts = [read_gradients(file.path) for file in files]
            counts = counts or [len(part) for part in parts]
            for file, part, count in zip(files, parts, counts, strict=True):
                if part.shape[1] != parts[0].shape[1]:
                    raise InputError(
                        f"{file}: {part.shape[1]:,} dimensions, {files[0]} has {parts[0].shape[1]:,}; expected the "
                        "same projection for all data sets"
                    )
                if len(part) != count:
                    raise InputError(
                        f"{file}: {len(part):,} gradients, {count:,} at checkpoint {self.checkpoints[0]}; expected "
                        "the same samples at each"
                    )
            by_checkpoint[step] = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return Rows(by_checkpoint, counts or [])


@dataclass(frozen=True)
class Rows:
    """Gradients (n, d) by checkpoint, of the same samples. counts: rows of each data set, in order."""

    by_checkpoint: Mapping[str, np.ndarray]
    counts: Sequence[int]

    def __len__(self) -> int:
        return sum(self.counts)

    @property
    def dims(self) -> list[int]:
        """Dimensions at each checkpoint."""
        return [rows.shape[1] for rows in self.by_checkpoint.values()]

    def combined(self, weights: Sequence[float]) -> np.ndarray:
        """One row a sample: of the only checkpoint as they are in its file, of several side by side, weighted.

        weights: of the checkpoints in order, with sum 1.
        """
        parts = list(self.by_checkpoint.values())
        return parts[0] if len(parts) == 1 else side_by_side(parts, weights)


def side_by_side(parts: Sequence[np.ndarray], weights: Sequence[float]) -> np.ndarray:
    """Rows (n, d) of the same samples at several checkpoints as one unit row each: side by side, weighted.

    weights: of the checkpoints, with sum 1. A sample whose gradient is zero at one of them has a row of zeros.
    """
    rows = np.concatenate(
        [unit(part) * np.float32(np.sqrt(w)) for part, w in zip(parts, weights, strict=True)], axis=1
    )
    rows[np.any([lengths(part) == 0 for part in parts], axis=0)] = 0
    return rows


def combined(
    parts: Sequence[Mapping[str, np.ndarray]], weights: Sequence[float], regimes: Sequence[str], dtype: str
) -> dict[str, np.ndarray]:
    """The arrays of a shard by name, from those of the same samples at each checkpoint.

    weights: of the checkpoints, with sum 1. dtype: of the rows on disk. Losses and lengths are those at the last
    checkpoint; norms are the means over all, by weight.
    """
    arrays = dict(parts[-1])
    if len(parts) == 1:
        return arrays
    for regime in regimes:
        rows = side_by_side([unit(part[regime]) for part in parts], weights)
        norms = np.stack([part[f"{regime}_norms"] for part in parts])
        mean = np.average(norms, axis=0, weights=weights).astype(np.float32)
        arrays[regime] = stored_rows(rows, dtype)
        arrays[f"{regime}_norms"] = np.where(norms.all(axis=0), mean, np.float32(0))
    return arrays


def normalised(checkpoints: Sequence[str], given: Mapping[str, float] | None) -> list[float]:
    """The weights of checkpoints in their order, with sum 1; equal where none are given.

    Raises `InputError` where those given are not of these checkpoints.
    """
    if given is None:
        return [1 / len(checkpoints)] * len(checkpoints)
    if given.keys() != set(checkpoints):
        steps = ", ".join(checkpoints) if checkpoints != [""] else "one that has no number in its path"
        raise InputError(
            f"checkpoint_weights: of {', '.join(given)}, the gradients are of {steps}; expected one weight for each "
            "checkpoint, such as 105=1.7e-5 211=1.3e-5"
        )
    total = sum(given.values())
    return [given[step] / total for step in checkpoints]


def checkpoint_numbers(checkpoints: Sequence[str], weights: Sequence[float]) -> dict[str, Any]:
    """For the manifest: the checkpoints that rows are of, in order, with their weights; nothing where none is known."""
    return {"checkpoints": dict(zip(checkpoints, weights, strict=True))} if checkpoints != [""] else {}


def check_checkpoints(name: str, target: GradientSet, train: GradientSet) -> None:
    """Raise `InputError` where a target's gradients are not those of the training gradients' checkpoints."""
    for step, files in target.by_checkpoint.items():
        if len(files) > 1:
            raise InputError(
                f"validation target {name!r} is given twice"
                f"{f' at checkpoint {step}' if step else ''}; name each one: NAME=FILE"
            )
    its, ours = target.checkpoints, train.checkpoints
    if its == ours or (len(its) == len(ours) == 1 and "" in (*its, *ours)):
        return
    missing = [f"its gradients at {step}" for step in ours if step not in its]
    missing += [f"training gradients at {step}" for step in its if step not in ours]
    raise InputError(
        f"validation target {name!r}: gradients at checkpoint {' and '.join(step or 'unknown' for step in its)}, the "
        f"training gradients are at {' and '.join(step or 'unknown' for step in ours)}; expected the same checkpoints "
        f"for both: add {' and '.join(missing)}, or leave out the others"
    )
