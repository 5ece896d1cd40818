"""A run as if its targets had some of their validation samples alone: what would be selected with fewer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from g2is.config import RegimeName
from g2is.run.paths import LayoutKind, Pooling
from g2is.run.run import Run
from g2is.run.targets import Target, TargetReader

if TYPE_CHECKING:
    import pandas as pd


def with_examples(run: Run, rows: Sequence[int] | NDArray[np.integer]) -> Run:
    """The run with these validation samples alone, in this order; targets of which none is left are gone.

    rows: of `run.validation`, at least one. Nothing is written; the pool is that of the run.
    """
    view = Run(run.folder, run.manifest)
    vars(view).update(files=run.files, instructions=run.instructions, texts=run.texts)
    vars(view)["_targets"] = _Some(run._targets, np.asarray(rows, np.int64))
    return view


@dataclass(frozen=True)
class _Some:
    """Reads some of the m examples that another reader has."""

    reader: TargetReader
    rows: NDArray[np.int64]

    @cached_property
    def _all(self) -> pd.DataFrame:
        return self.reader.examples()

    @property
    def targets(self) -> list[Target]:
        counts = self.examples()["target"].value_counts()
        return [
            replace(target, size=int(counts[target.name]))
            for target in self.reader.targets
            if target.name in counts
        ]

    def examples(self) -> pd.DataFrame:
        return self._all.iloc[self.rows].reset_index(drop=True)

    def gradients(self, dim: int) -> np.ndarray:
        return self.reader.gradients(dim)[self.rows]

    def cosines(self, regime: RegimeName, count: int) -> np.ndarray:
        return self.reader.cosines(regime, count)[:, self.rows]

    def places(self, kind: LayoutKind, regime: RegimeName, count: int) -> np.ndarray:
        return self.reader.places(kind, regime, count)[self.rows]

    def leaks(self) -> pd.DataFrame:
        place = {int(row): here for here, row in enumerate(self.rows)}
        leaks = self.reader.leaks()
        kept = leaks[leaks["validation"].isin(place)]
        return kept.assign(validation=kept["validation"].map(place)).reset_index(drop=True)

    def representations(self, pooling: Pooling) -> np.ndarray:
        return self.reader.representations(pooling)[self.rows]
