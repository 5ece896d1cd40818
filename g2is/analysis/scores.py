"""Scores of every instruction for one or more targets as one table, for people who want a table and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from g2is.analysis import walks
from g2is.analysis.reasons import Reasons, reasons_of_samples, reasons_of_walk
from g2is.config import DEFAULT_FRACTION, DEFAULT_PRESET, RegimeName, WalkParameters, walk_preset
from g2is.errors import InputError
from g2is.run.run import Run
from g2is.run.selections import Selection, made_for, read_walk, when_made
from g2is.storage.csv import safe_csv
from g2is.storage.files import write_file

if TYPE_CHECKING:
    import pandas as pd

    from g2is.walk import WalkTrace

BLOCK = 16_384
"""Rows of a block, which are in memory at once."""
KINDS = (".parquet", ".csv")


@dataclass(frozen=True, eq=False)
class Scores:
    """The scores of a run's n instructions for some targets, in blocks; `score` makes them.

    targets: their names. examples: (m,) their validation examples, as rows of `run.validation`. samples: the selection
    that they say is taken or not, in order of choice. reasons: why each instruction is not in it.
    """

    run: Run
    regime: RegimeName
    targets: tuple[str, ...]
    examples: NDArray[np.int64]
    samples: NDArray[np.int64]
    reasons: Reasons

    def frame(self) -> pd.DataFrame:
        """The whole table, one row an instruction, in the order of the pool; see `blocks` for the columns."""
        import pandas as pd

        return pd.concat(list(self.blocks()), ignore_index=True)

    def blocks(self, size: int = BLOCK) -> Iterator[pd.DataFrame]:
        """The table in blocks of rows, without what was removed from the pool.

        row, source, line: which instruction. best_cosine, best_example: the highest cosine to a validation example of
        the targets and which it is; mean_cosine: to all of them. rank: by best_cosine, 1 is the highest, of equals the
        smaller row first. loss, tokens, trained_tokens, gradient_norm: of the instruction under the warmed-up model.
        community, community_label. duplicate_of: the row that it is an exact copy of. place: in the selection, from 1.
        reason: taken, or why not in a word; why_not: in a sentence. What an instruction does not have is missing.
        """
        import pandas as pd

        run, frame = self.run, self.run.instructions
        norms, communities = run.regime(self.regime).norms, run.communities(self.regime)
        labels = np.array([*communities.labels, None], object)
        places = np.zeros(len(frame), np.int64)
        places[self.samples] = np.arange(1, len(self.samples) + 1)
        for start in range(0, len(frame), size):
            some = slice(start, min(start + size, len(frame)))
            part, valid = frame.iloc[some], run.valid[some]
            cosines = self._cosines(some)
            best = self.examples[cosines.argmax(axis=1)]

            duplicates = part["duplicate_of"].to_numpy()
            block = pd.DataFrame(
                {
                    "row": np.arange(some.start, some.stop),
                    "source": run.sources[some],
                    "line": part["line"].to_numpy(),
                    "best_cosine": _known(self._ranked[0][some], valid, "Float32"),
                    "best_example": _known(best, valid, "Int32"),
                    "mean_cosine": _known(cosines.mean(axis=1), valid, "Float32"),
                    "rank": _known(self._ranked[1][some], valid, "Int64"),
                    "loss": _known(part["loss"], part["loss"].notna().to_numpy(), "Float32"),
                    "tokens": part["tokens"].to_numpy(),
                    "trained_tokens": part["trained_tokens"].to_numpy(),
                    "gradient_norm": _known(norms[some], valid, "Float32"),
                    "community": _known(communities.membership[some], valid, "Int32"),
                    "community_label": labels[communities.membership[some]],
                    "duplicate_of": _known(duplicates, duplicates >= 0, "Int64"),
                    "place": _known(places[some], places[some] > 0, "Int64"),
                    "reason": self.reasons.words[some],
                    "why_not": self.reasons.sentences[some],
                }
            )
            yield block[~run.gone[some]].reset_index(drop=True)

    def _cosines(self, some: slice) -> NDArray[np.float32]:
        """(b, m) cosines of some rows to the examples of the targets."""
        return np.asarray(self.run.regime(self.regime).validation_cosines[some], np.float32)[:, self.examples]

    @cached_property
    def _ranked(self) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """(n,) the best cosine of each row, and its rank among those with a gradient."""
        count = len(self.run.valid)
        best = np.concatenate(
            [self._cosines(slice(start, start + BLOCK)).max(axis=1) for start in range(0, count, BLOCK)]
        )
        order = np.lexsort([np.arange(count), -best, ~self.run.valid])
        ranks = np.empty(count, np.int64)
        ranks[order] = np.arange(1, count + 1)
        return best, ranks

    def write(self, path: Path) -> None:
        """Write the table as Parquet or CSV, by the ending of the name; complete or absent.

        Raises `InputError` for another ending.
        """
        check_kind(path)
        write_file(path, self._parquet if path.suffix == ".parquet" else self._csv)

    def _parquet(self, file: BinaryIO) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        texts = [pa.field(name, pa.string()) for name in ("source", "community_label", "reason", "why_not")]
        writer: pq.ParquetWriter | None = None
        for block in self.blocks():
            table = pa.Table.from_pandas(block, preserve_index=False).replace_schema_metadata(None)
            for field in texts:  # a block may hold none
                place = table.schema.get_field_index(field.name)
                table = table.set_column(place, field, table[field.name].cast(field.type))
            if writer is None:
                writer = pq.ParquetWriter(file, table.schema, compression="zstd")
            writer.write_table(table)
        if writer is not None:
            writer.close()

    def _csv(self, file: BinaryIO) -> None:
        for number, block in enumerate(self.blocks()):
            text = safe_csv(block)
            file.write(text if number == 0 else text.partition(b"\n")[2])


def _known(values: Any, where: NDArray[np.bool_], kind: str) -> pd.Series:
    """Values of a kind of number that knows missing ones, missing where `where` is false."""
    import pandas as pd

    return pd.Series(np.asarray(values)).astype(kind).where(pd.Series(where))


def check_kind(path: Path) -> None:
    """Raise `InputError` unless the name of a file says that it is a table of a known kind."""
    if path.suffix not in KINDS:
        raise InputError(f"output = {str(path)!r}: expected a name that ends in {' or '.join(KINDS)}")


def score(
    run: Run,
    target: str | Sequence[str] | None = None,
    *,
    regime: RegimeName | None = None,
    selection: Selection | Path | None = None,
    fraction: float | None = None,
    count: int | None = None,
) -> Scores:
    """Scores of every instruction of a run for some of its targets.

    target: one or more of them; None for those that the selection is for. regime: whose cosines; None for `sgd`, or the
    first that the run keeps. selection: the selection that is compared, or its file, whose trace gives the reasons
    where it has one; None for the recommended walk to these targets, or to those of the build where none is named, at a
    budget, `fraction` (0.05) or `count`. Raises `InputError` for an unknown target or regime, and for a selection with
    a budget.
    """
    regime = regime or ("sgd" if "sgd" in run.regimes else run.regimes[0])
    run.regime(regime)
    named = [target] if isinstance(target, str) else list(dict.fromkeys(target or ()))
    sizes = {one.name: one.size for one in run.targets}
    for name in named:
        if name not in sizes:
            known = ", ".join(map(repr, sizes))
            raise InputError(f"target = {name!r}: run {run.name} has no such target; there are {known}")
    if selection is None:
        shares = {name: float(sizes[name]) for name in named}
        trace = walks.walk(run, _recommended(regime, shares or None, fraction, count))
        samples, reasons = trace.samples, reasons_of_walk(run, trace)
    else:
        if fraction is not None or count is not None:
            raise InputError("selection: has its own budget; leave out --fraction and --count")
        walked, chosen = _read(run, selection)
        named = named or [name for name in made_for(run, chosen) if name in sizes]
        samples = np.array(chosen.samples, np.int64)
        reasons = (
            reasons_of_samples(run, samples, chosen.method)
            if walked is None
            else reasons_of_walk(when_made(run, chosen), walked)
        )
    targets = tuple(named or run.usual_targets)
    examples = np.flatnonzero(run.validation["target"].isin(targets))
    return Scores(run, regime, targets, examples, samples, reasons)


def _recommended(
    regime: RegimeName, targets: dict[str, float] | None, fraction: float | None, count: int | None
) -> WalkParameters:
    budget: dict[str, Any] = {"fraction": fraction, "count": count}
    if fraction is None and count is None:
        budget = {"fraction": DEFAULT_FRACTION}
    return walk_preset(DEFAULT_PRESET, regime=regime, targets=targets, **budget)


def _read(run: Run, selection: Selection | Path) -> tuple[WalkTrace | None, Selection]:
    """A selection with its trace, if it has one."""
    if isinstance(selection, Selection):
        return None, selection
    chosen, trace = read_walk(selection, run)
    return trace, chosen
