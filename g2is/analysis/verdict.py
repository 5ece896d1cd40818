"""A verdict on selections: one row each, and one sentence on all of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from g2is.analysis import walks
from g2is.analysis.comparison import PAIRED
from g2is.analysis.served import BADLY, NOT, WELL, pool_service, served
from g2is.arrays.rows import read_rows
from g2is.config import RegimeName
from g2is.evaluation.differences import Difference, difference, sentence
from g2is.evaluation.results import evaluations, read_evaluations
from g2is.run.run import Regime, Run

LIKE_SIZE = 0.05
"""Selections whose sizes differ by no more than this share of the larger are ranked with each other."""
FEW_DIFFERENCES = 0.02
"""Selections count as nearly the same where no more than this share of the larger is not in the other."""


@dataclass(frozen=True)
class Conflicts:
    """Shares of pairs whose gradients conflict. within: of pairs that are closest to the same validation example;
    across: of all other pairs. NaN without such pairs."""

    within: float
    across: float


def conflicts(
    regime: Regime, samples: Sequence[int] | NDArray[np.integer], examples: NDArray[np.integer] | None = None
) -> Conflicts:
    """Of a selection, whatever method chose it; of one with more than `PAIRED` instructions, a seeded draw.

    examples: rows of the validation examples that count; None for all.
    """
    rows = np.unique(np.asarray(samples, np.int64))
    if len(rows) > PAIRED:
        rows = np.sort(np.random.default_rng(0).choice(rows, PAIRED, replace=False))
    if len(rows) < 2:
        return Conflicts(float("nan"), float("nan"))
    columns = slice(None) if examples is None else examples
    closest = np.asarray(regime.validation_cosines[rows])[:, columns].argmax(axis=1)
    gradients = read_rows(regime.gradients, rows)
    pairs = np.triu(np.ones((len(rows), len(rows)), dtype=bool), k=1)
    negative, same = gradients @ gradients.T < 0, closest[:, None] == closest
    within, across = pairs & same, pairs & ~same
    return Conflicts(
        *(float(negative[some].mean()) if some.any() else float("nan") for some in (within, across))
    )


@dataclass(frozen=True)
class Measured:
    """Fine-tuning results of some selections in one evaluation. names: what the evaluation calls each, by the label it
    has here. results: rows of the evaluation, as `read_evaluations` gives them. with_gone: labels of those that were
    trained on with instructions that have been removed from the pool since."""

    evaluation: str
    names: Mapping[str, str]
    results: pd.DataFrame
    with_gone: Sequence[str] = ()

    def loss(self, label: str) -> tuple[float, float]:
        """Mean over seeds and standard deviation over them (NaN of one); NaN twice where it was not evaluated."""
        if label not in self.names:
            return float("nan"), float("nan")
        of = self.results[self.results["selection"] == self.names[label]]
        losses = of.groupby("seed")["loss"].mean()
        return float(losses.mean()), float(losses.std())

    def difference(self, label: str, other: str) -> Difference | None:
        """The first less the second."""
        found = difference(self.results, self.names[label], self.names[other])
        return found and Difference(**{**vars(found), "selection": label, "other": other})


def measured(
    run: Run,
    selections: Mapping[str, Sequence[int]],
    results: pd.DataFrame | None = None,
    as_made: Mapping[str, Sequence[int]] | None = None,
) -> Measured | None:
    """The evaluation that fine-tuned on most of these selections, the last by name among equals; None where none did.

    A selection is known by its instructions, not by its name. Where a method drew anew for each seed, one of the draws
    stands for all. results: as `read_evaluations` gives them, where they are at hand. as_made: the selections with what
    was removed from the pool since; one that was not fine-tuned on as it is now is looked for as it was.
    """
    digests = {label: digest(samples) for label, samples in selections.items()}
    earlier = {label: digest(samples) for label, samples in (as_made or selections).items()}
    best: Measured | None = None
    for name, evaluation in evaluations(run).items():
        known = {one.digest: one.selection for one in evaluation.fine_tunings}
        names = {
            label: known[key]
            for label, now in digests.items()
            if (key := now if now in known else earlier.get(label)) in known
        }
        if not names or (best is not None and len(names) < len(best.names)):
            continue
        results = read_evaluations(run) if results is None else results
        here = results[results["evaluation"] == name]
        done = set(here["selection"])
        names = {label: selection for label, selection in names.items() if selection in done}
        if names and (best is None or len(names) >= len(best.names)):
            with_gone = [label for label in names if digests[label] not in known]
            best = Measured(name, names, here, with_gone)
    return best


def digest(samples: Sequence[int] | NDArray[np.integer]) -> str:
    """The same for the same rows in the same order."""
    return hashlib.sha256(np.asarray(samples, dtype="<i8").tobytes()).hexdigest()[:16]


def verdict_table(
    run: Run,
    selections: Mapping[str, Sequence[int]],
    regime: RegimeName,
    found: Measured | None,
    examples: NDArray[np.integer] | None = None,
) -> pd.DataFrame:
    """One row a selection: selection, samples, trained_tokens (NaN where the run does not know them), most_like (the
    other selection that it shares most with, empty if alone), shared (with that), well, badly, not (validation
    examples), within, across (`Conflicts`), loss, loss_spread.

    examples: rows of the validation examples that the selections are judged by; None for those of the usual targets.
    """
    gradients = run.regime(regime)
    if examples is None:
        examples = np.flatnonzero(run.validation["target"].isin(run.usual_targets))
    pool = pool_service(gradients, walks.pool_for(run, examples), examples)
    tokens = run.instructions["trained_tokens"].to_numpy()
    rows = []
    for label, samples in selections.items():
        some = np.asarray(samples, np.int64)
        serving = served(pool, gradients, some)
        other, shared = _most_like(label, selections)
        pulling = conflicts(gradients, some, examples)
        loss, spread = found.loss(label) if found else (float("nan"), float("nan"))
        rows.append(
            {
                "selection": label,
                "samples": len(some),
                "trained_tokens": float(tokens[some].sum()) if tokens.any() else float("nan"),
                "most_like": other,
                "shared": shared,
                "well": serving.count(WELL),
                "badly": serving.count(BADLY),
                "not": serving.count(NOT),
                "within": pulling.within,
                "across": pulling.across,
                "loss": loss,
                "loss_spread": spread,
            }
        )
    return pd.DataFrame(rows)


def _most_like(label: str, selections: Mapping[str, Sequence[int]]) -> tuple[str, int]:
    shared = {
        other: len(np.intersect1d(selections[label], samples))
        for other, samples in selections.items()
        if other != label
    }
    other = max(shared, key=lambda name: shared[name], default="")
    return other, shared.get(other, 0)


def verdict(table: pd.DataFrame, found: Measured | None) -> list[str]:
    """Plain sentences on a `verdict_table`, the most telling first: which has the lowest loss, or where that is not
    measured, which serves most examples; and which selections are the same or nearly so."""
    if table.empty:
        return []
    lines = _by_loss(table, found) or _by_service_at_size(table)
    if found and found.with_gone:
        lines.append(
            f"{_listed(found.with_gone)} {'was' if len(found.with_gone) == 1 else 'were'} fine-tuned on as made, with "
            "instructions that are removed from the pool now."
        )
    return [*lines, *_alike(table)]


def like_in_size(size: int, other: int) -> bool:
    """Whether two selections of so many instructions can be ranked with each other."""
    return min(size, other) >= (1 - LIKE_SIZE) * max(size, other)


def _by_service_at_size(table: pd.DataFrame) -> list[str]:
    """Selections of like size are ranked with each other: a larger one serves more examples whatever chose it."""
    groups = _of_like_size(table)
    if len(groups) == 1:
        return _by_service(table)
    lines, notes = [], []
    for group in groups:
        if len(group) > 1:
            line, note = _by_service(group)
            lines.append(f"Of those with {_sizes(group)} instructions, {line}")
            notes.append(note)
    if alone := [(name, _sizes(group)) for group in groups if len(group) == 1 for name in group["selection"]]:
        what = "has another size" if len(alone) == 1 else "have sizes of their own"
        each = _listed([f"{name} ({size})" for name, size in alone])
        lines.append(
            f"{each} {what} and cannot be ranked with others: more instructions serve more examples. Compare at the "
            "same size."
        )
    return [*lines[:1], *dict.fromkeys(notes), *lines[1:]]


def _of_like_size(table: pd.DataFrame) -> list[pd.DataFrame]:
    """Selections whose sizes differ by no more than `LIKE_SIZE`, most of them first, then the largest."""
    groups: list[list[int]] = []
    largest = 0
    for place, size in (
        table["samples"].reset_index(drop=True).sort_values(ascending=False, kind="stable").items()
    ):
        if not groups or not like_in_size(size, largest):
            groups.append([])
            largest = size
        groups[-1].append(place)
    return [table.iloc[sorted(group)] for group in sorted(groups, key=len, reverse=True)]


def _sizes(table: pd.DataFrame) -> str:
    least, most = table["samples"].min(), table["samples"].max()
    return f"{most:,}" if least == most else f"{least:,} to {most:,}"


def _by_loss(table: pd.DataFrame, found: Measured | None) -> list[str]:
    known = table[table["loss"].notna()]
    if found is None or len(known) < 2:
        return []
    best, *others = known.sort_values("loss", kind="stable")["selection"]
    differences = [one for other in others if (one := found.difference(best, other))]
    if not differences:
        return []
    lines = [f"By test loss after fine-tuning, {best} {sentence(differences)}."]
    seeds = {one.seeds for one in differences}
    if min(seeds) < 2:
        lines.append("One seed only: another training may order them otherwise.")
    usual, *others = _of_like_size(known)
    if others:
        each = _listed([f"{row.selection} {row.samples:,}" for group in others for row in group.itertuples()])
        lines.append(
            f"They differ in size ({each}, the others {_sizes(usual)}): a loss says as much of size as of choice."
        )
    if unknown := [name for name in table["selection"] if name not in set(known["selection"])]:
        lines.append(f"Not fine-tuned: {', '.join(unknown)}.")
    return lines


def _by_service(table: pd.DataFrame) -> list[str]:
    total = int(table[["well", "badly", "not"]].iloc[0].sum())
    ordered = table.sort_values("well", ascending=False, kind="stable")
    most = int(ordered["well"].iloc[0])
    first = ordered.loc[ordered["well"] == most, "selection"].tolist()
    rest = [f"{row.selection} {row.well:,}" for row in ordered.itertuples() if row.well < most]
    verb = "serves" if len(first) == 1 else "each serve"
    line = f"{_listed(first)} {verb} {most:,} of {total:,} validation examples well"
    line += f"; {', '.join(rest)}." if rest else "."
    measured = (
        "None of these is fine-tuned yet" if table["loss"].isna().all() else "Only one is fine-tuned yet"
    )
    return [line, f"{measured}: what a model learns from them is not measured."]


def _alike(table: pd.DataFrame) -> list[str]:
    """Pairs of selections with (nearly) the same instructions, each once."""
    lines, told = [], set()
    sizes = dict(zip(table["selection"], table["samples"], strict=True))
    for row in table.itertuples():
        pair = frozenset((row.selection, row.most_like))
        if not row.most_like or pair in told or not row.samples:
            continue
        told.add(pair)
        fewer, more = sorted((row.samples, sizes[row.most_like]))
        of = f"{more:,}" if fewer == more else f"{fewer:,} and {more:,}"
        if row.shared == more:
            lines.append(f"{row.selection} and {row.most_like} are the same {more:,} instructions.")
        elif more - row.shared <= FEW_DIFFERENCES * more:
            lines.append(f"{row.selection} and {row.most_like} share {row.shared:,} of {of} instructions.")
    return lines


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
