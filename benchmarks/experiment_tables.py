"""The tables of docs/experiments.md from the results of `benchmarks.experiments`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from g2is.evaluation.results import paired_test

RECOMMENDED = "walk, recommended"
ROUND_ROBIN = "round robin, sgd"
PUBLISHED = "less, adam (published)"
BEGIN, END = "<!-- table {} -->", "<!-- end -->"


def results(folder: Path) -> pd.DataFrame:
    """One row for each finished fine-tuning: table, selection, target, budget, seed, size, losses (t,), loss."""
    rows = []
    for row in json.loads((folder / "index.json").read_text()):
        path = folder / "runs" / row["result"]
        if path.exists():
            losses = np.array(json.loads(path.read_text())["losses"])
            rows.append({**row, "losses": losses, "loss": losses.mean()})
    return pd.DataFrame(rows)


def tables(folder: Path) -> Iterator[tuple[str, str]]:
    """Name and Markdown of every table that has results."""
    frame = results(folder)
    if frame.empty:
        return
    for (table, budget), lines in frame.groupby(["table", "budget"], sort=False):
        yield f"{table} {budget:.0%}", loss_table(lines)
    for budget, lines in frame[frame["table"] == "graph"].groupby("budget", sort=False):
        yield f"graph against round robin {budget:.0%}", ratio_table(lines)
    finalists = frame[frame["table"] == "finalists"]
    if len(finalists):
        yield "verdicts", verdict_table(finalists)
        yield "sources", source_table(finalists)


def write_tables(folder: Path, document: Path) -> None:
    """Write `tables.md`, and insert each table into the document."""
    made = dict(tables(folder))
    (folder / "tables.md").write_text("\n".join(f"### {name}\n\n{text}\n" for name, text in made.items()))
    if document.exists():
        text = document.read_text()
        put({name: table for name, table in made.items() if BEGIN.format(name) in text}, document)


def put(tables: dict[str, str], document: Path) -> None:
    """Write tables into a document, each between its markers, which must be there once."""
    text = document.read_text()
    for name, table in tables.items():
        begin = BEGIN.format(name)
        before, rest = text.split(begin)
        text = f"{before}{begin}\n{table}\n{END}{rest.split(END, 1)[1]}"
    document.write_text(text)


def loss_table(lines: pd.DataFrame) -> str:
    """Mean loss by selection (rows) and target (columns), with its standard deviation over seeds; the last
    column is the mean over targets of the loss as a share of that of random, where all are there."""
    targets = list(dict.fromkeys(lines["target"]))
    means = lines.groupby(["selection", "target"], sort=False)["loss"].mean().unstack()
    has_random = "random" in means.index
    rows = []
    for name, mine in lines.groupby("selection", sort=False):
        cells = []
        for target in targets:
            here = mine[mine["target"] == target]["loss"]
            spread = f" ± {here.std():.3f}" if len(here) > 1 else ""
            cells.append(f"{here.mean():.3f}{spread}" if len(here) else "")
        if has_random:
            ratio = (means.loc[name, targets] / means.loc["random", targets]).to_numpy()
            cells.append("" if np.isnan(ratio).any() else f"{ratio.mean():.3f}")
        rows.append([str(name), *cells])
    return markdown(["selection", *targets, *(["/ random"] if has_random else [])], rows)


def verdict_table(lines: pd.DataFrame) -> str:
    """The recommended walk against random, published LESS and the best of all baselines on every target."""
    rows = []
    for (budget, target), here in lines.groupby(["budget", "target"], sort=False):
        mine = here[here["selection"] == RECOMMENDED]
        baselines = here[~here["selection"].str.startswith("walk")]
        if mine.empty or baselines.empty:
            continue
        best = baselines.groupby("selection")["loss"].mean().idxmin()
        others = [here[here["selection"] == name] for name in ("random", PUBLISHED, best)]
        rows.append(
            [
                str(target),
                f"{budget:.0%}",
                f"{mine['loss'].mean():.3f}",
                *(difference(mine, other) for other in others),
                str(best),
            ]
        )
    head = ["target", "budget", "recommended", "against random", "against published LESS"]
    return markdown([*head, "against the best baseline", "which is"], rows)


def difference(mine: pd.DataFrame, other: pd.DataFrame) -> str:
    """Difference of mean losses, ± the standard deviation over seeds of both together, p of the paired test over
    test samples; bold where the seeds' ranges do not overlap."""
    if other.empty:
        return ""
    spread = np.sqrt(np.nan_to_num(mine["loss"].var()) + np.nan_to_num(other["loss"].var()))
    p = paired_test(np.mean(np.stack(mine["losses"]), axis=0), np.mean(np.stack(other["losses"]), axis=0))
    apart = mine["loss"].max() < other["loss"].min() or other["loss"].max() < mine["loss"].min()
    shown = f"{mine['loss'].mean() - other['loss'].mean():+.3f}"
    return f"{f'**{shown}**' if apart else shown} ± {spread:.3f} (p {p:.1g})"


def ratio_table(lines: pd.DataFrame) -> str:
    """Mean log-loss ratio to round robin in per cent (below zero: better) ± the standard error, by target over seeds
    and in all over targets, of which two standard errors tell better from worse, where there are three. Then the share
    of samples that round robin takes too, and how many have a near-duplicate before them."""
    targets = list(dict.fromkeys(lines["target"]))
    base = lines[lines["selection"] == ROUND_ROBIN].set_index(["target", "seed"])["loss"]
    rows = []
    for name, mine in lines[lines["selection"] != ROUND_ROBIN].groupby("selection", sort=False):
        mine = mine.set_index(["target", "seed"])
        ratios = (100 * np.log(mine["loss"] / base)).dropna()
        by_target = [ratios[ratios.index.get_level_values("target") == target] for target in targets]
        means = [float(ratio.mean()) for ratio in by_target if len(ratio)]
        if not means:
            continue
        cells = [f"{ratio.mean():+.1f} ± {ratio.sem():.1f}" if len(ratio) else "" for ratio in by_target]
        total = f"{np.mean(means):+.1f}"
        if len(means) >= 3:
            error = float(np.std(means, ddof=1) / np.sqrt(len(means)))
            apart = "better" if np.mean(means) < 0 else "worse"
            total += f" ± {error:.1f}: {apart if abs(np.mean(means)) > 2 * error else 'not told apart'}"
        rows.append(
            [
                str(name),
                *cells,
                total,
                f"{mine['shared'].mean():.0%}",
                f"{mine['twins'].sum() / mine['size'].sum():.0%}",
            ]
        )
    return markdown(["selection", *targets, "all", "as round robin", "near-duplicates"], rows)


def source_table(lines: pd.DataFrame) -> str:
    """Number of samples that each selection takes from the file of the target."""
    first = lines[lines["seed"] == 0]
    rows = []
    for (budget, target), here in first.groupby(["budget", "target"], sort=False):
        for row in here[here["selection"].isin(["random", PUBLISHED, "walk, official", RECOMMENDED])].to_dict(
            "records"
        ):
            mix = ", ".join(f"{name} {count}" for name, count in list(row["sources"].items())[:3])
            rows.append([str(target), f"{budget:.0%}", row["selection"], str(row["size"]), mix])
    return markdown(["target", "budget", "selection", "samples", "most from"], rows)


def markdown(head: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
