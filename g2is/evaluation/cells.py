"""The table of an evaluation: a line for every selection at its budget and number of validation examples, on a target.

The same for all evaluations: where selections have no place on a grid, the budget is the one in their names. Needs no
torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

import numpy as np
import pandas as pd

from g2is.evaluation.budgets import budget_of
from g2is.evaluation.differences import Difference, difference
from g2is.evaluation.results import Evaluation, FineTuning

COLUMNS = [
    *("target", "method", "validation", "budget", "loss", "spread", "seeds", "examples", "exact"),
    *("against", "difference", "half", "verdict"),
]
RANDOM = "random"
CELL = ["target", "budget", "validation"]


def cells(evaluation: Evaluation, results: pd.DataFrame, against: str | None = None) -> pd.DataFrame:
    """COLUMNS, one row a selection and target, those that are done so far.

    results: of the evaluation, as `read_evaluations` gives them. validation: how many examples of a target it was
    chosen with, 0 for all of them, <NA> where that is not varied or does not matter. loss, exact: means over seeds;
    spread: the standard deviation of the loss over seeds. against: the method that the others at the same place are
    compared with (random where there is such, otherwise the first). difference, half: of the mean losses, and half of
    its 95 % interval, see `Difference`; verdict: better, level, worse, or alone, where there is nothing beside it.
    """
    known = {one.selection: one for one in evaluation.fine_tunings}
    rows = []
    for (selection, target), mine in results.groupby(["selection", "target"], sort=False):
        one = known[selection]
        label, budget = _place(one, int(mine["size"].max()))
        losses = mine.groupby("seed")["loss"].mean()
        answered = mine["correct"].dropna()
        rows.append(
            {
                "selection": selection,
                "target": target,
                "method": label,
                "validation": one.validation,
                "budget": budget,
                "loss": float(losses.mean()),
                "spread": float(losses.std()),
                "seeds": len(losses),
                "examples": int(mine["example"].nunique()),
                "exact": float(answered.astype(float).mean()) if len(answered) else None,
            }
        )
    table = pd.DataFrame(rows, columns=["selection", *COLUMNS])
    table["validation"] = table["validation"].astype("Int64")
    if table.empty:
        return table
    methods = list(dict.fromkeys(table["method"]))
    reference = against or (RANDOM if RANDOM in methods else methods[0])
    compared = []
    for _, line in table.iterrows():
        other = _beside(table, line, reference)
        here = results[results["target"] == line["target"]]
        found = None if other is None else difference(here, line["selection"], other)
        numbers = (None, None) if found is None else (found.mean, found.half)
        compared.append((None if found is None else reference, *numbers, _verdict(found)))
    names = ["against", "difference", "half", "verdict"]
    table[names] = pd.DataFrame(compared, columns=names, index=table.index)
    table["_"] = table["method"].map(methods.index)
    table = table.sort_values(["target", "budget", "validation", "_"], key=_all_last, kind="stable")
    return table.drop(columns="_").reset_index(drop=True)


def _place(one: FineTuning, size: int) -> tuple[str, int]:
    """The name of a selection without its place on a grid, and its budget."""
    if one.label is not None and one.budget is not None:
        return one.label, one.budget
    return budget_of(one.selection, size)


def _all_last(column: pd.Series) -> pd.Series:
    """Sorts numbers of examples with all of them, 0, behind the largest."""
    return column.replace(0, np.iinfo(np.int64).max) if column.name == "validation" else column


def _beside(table: pd.DataFrame, line: pd.Series, method: str) -> str | None:
    """The selection of a method at the same place: on the target, at the budget, with as many examples or without
    any."""
    if line["method"] == method:
        return None
    there = table[
        (table["method"] == method)
        & (table["target"] == line["target"])
        & (table["budget"] == line["budget"])
    ]
    same = there["validation"].isna()
    if pd.notna(line["validation"]):
        same |= (there["validation"] == line["validation"]).fillna(False)
    return str(there.loc[same, "selection"].iloc[0]) if same.any() else None


def _verdict(found: Difference | None) -> str:
    if found is None:
        return "alone"
    return "level" if found.level else "better" if found.mean < 0 else "worse"


def findings(table: pd.DataFrame, results: pd.DataFrame) -> list[str]:
    """What the table says: the first method against each other one, and more examples against fewer, a line each."""
    methods = list(dict.fromkeys(table["method"]))
    if not methods:
        return []
    by_examples = table.loc[table["validation"].notna(), "method"].unique()
    subject = next((name for name in methods if name != RANDOM), methods[0])
    lines = []
    for other in methods:
        if other != subject:
            pairs = [
                (line["target"], line["selection"], beside)
                for _, line in table[table["method"] == subject].iterrows()
                if (beside := _beside(table, line, other)) is not None
            ]
            if pairs:
                lines.append(f"{subject} against {other}: {_counted(pairs, results)}")
    for method in by_examples:
        mine = table[table["method"] == method]
        sizes = sorted(mine["validation"].unique(), key=lambda size: (size == 0, size))
        if len(sizes) > 1:
            few, many = sizes[0], sizes[-1]
            pairs = []
            for _, group in mine.groupby(["target", "budget"], sort=False):
                of = dict(zip(group["validation"], group["selection"], strict=True))
                if few in of and many in of:
                    pairs.append((group["target"].iloc[0], of[many], of[few]))
            words = f"{words_of(many)} validation examples against {words_of(few)}"
            lines.append(f"{method}, {words}: {_counted(pairs, results)}")
    return lines


def words_of(size: int) -> str:
    """A number of validation examples in words."""
    return f"{size:,}" if size else "all"


def _counted(pairs: Sequence[tuple[str, str, str]], results: pd.DataFrame) -> str:
    """In how many comparisons (target, selection, other) the first is better, level or worse, and by how much."""
    found = [
        (one, _mean(results, target, other))
        for target, selection, other in pairs
        if (one := difference(results[results["target"] == target], selection, other)) is not None
    ]
    if not found:
        return "nothing to compare yet"
    verdicts = [_verdict(one) for one, _ in found]
    counts = [
        f"{word} in {verdicts.count(word):,}" for word in ("better", "level", "worse") if word in verdicts
    ]
    mean = 100 * float(np.mean([one.mean / loss for one, loss in found]))
    of = f" of {len(found):,}" if len(found) > 1 else ""
    unsure = "" if all(isfinite(one.half) for one, _ in found) else "; too few examples and seeds to tell"
    if any(one.seeds < 2 for one, _ in found):
        unsure += "; where there is one seed only, another training may order them otherwise"
    return f"{', '.join(counts)}{of}; mean loss {mean:+.1f} %{unsure}".replace("-", "−")


def _mean(results: pd.DataFrame, target: str, selection: str) -> float:
    mine = results[(results["target"] == target) & (results["selection"] == selection)]
    return float(mine["loss"].mean())


def as_markdown(table: pd.DataFrame, lines: Sequence[str]) -> str:
    """The table and what it says, as Markdown."""
    shown = [name for name in COLUMNS if name in ("target", "method") or not table[name].isna().all()]
    rows = [
        "| " + " | ".join(shown) + " |",
        "| " + " | ".join("---" for _ in shown) + " |",
        *(
            "| " + " | ".join(_cell(name, line[name]) for name in shown) + " |"
            for _, line in table.iterrows()
        ),
    ]
    return "\n".join([*rows, "", *(f"- {line}" for line in lines), ""])


def _cell(name: str, value: object) -> str:
    if pd.isna(value):
        return ""
    if name == "validation":
        return words_of(int(value))  # type: ignore[call-overload]
    if name == "difference":
        return f"{value:+.3f}"
    return f"{value:.3f}" if isinstance(value, float) else str(value).replace("|", "\\|")
