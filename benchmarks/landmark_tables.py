"""The tables of `benchmarks.landmarks`, and its rule."""

from __future__ import annotations

from typing import Any

import pandas as pd

from benchmarks.experiment_tables import markdown
from g2is.evaluation.differences import difference

LAST = "last"
"""The feature of `rds_plus`: the run's own representations, of the base model."""
ALL, NONE = "all gradients", f"cosine of {LAST}"
WORSE = 0.02
"""The largest difference to the loss after training on picks by all gradients, as a share of that loss."""
HALF = 0.5
"""Of the processor time of all gradients."""


def verdict(results: pd.DataFrame, mine: str, cost: float) -> dict[str, Any]:
    """The rule for one target and one way, from the results of its evaluation."""
    to_all, to_none = difference(results, mine, ALL), difference(results, mine, NONE)
    assert to_all and to_none
    loss = results[results["selection"] == ALL]["loss"].mean()
    return {
        "target": results["target"].iloc[0],
        "selection": mine,
        "to all gradients": f"{to_all.mean:+.3f} ± {to_all.half:.3f}",
        "level": bool((to_all.level or to_all.mean < 0) and to_all.mean <= WORSE * loss),
        "to cosine of last": f"{to_none.mean:+.3f} ± {to_none.half:.3f}",
        "better": bool(not to_none.level and to_none.mean < 0),
        "cost": f"{cost:.2f}",
        "under half": bool(cost < HALF),
    }


def agreement_table(found: pd.DataFrame) -> str:
    """Means over targets: rank correlation and shared picks of every way, by the share of landmarks."""
    rows = []
    for way, mine in found.groupby("way", sort=False):
        by = mine.set_index("share")
        rows.append(
            [str(way)]
            + [
                " / ".join(f"{by.loc[share, column]:.2f}" for share in by.index)
                for column in ("rank", "highest", "picks 1%", "picks 5%", "cost")
            ]
        )
    return markdown(["way", "rank correlation", "of the highest", "picks, 1 %", "picks, 5 %", "cost"], rows)


def loss_table(results: pd.DataFrame) -> str:
    """Mean test loss ± the standard deviation over seeds, and the difference to the picks by all gradients ± half its
    95 % interval."""
    rows = []
    targets = list(dict.fromkeys(results["target"]))
    for name in dict.fromkeys(results["selection"]):
        cells = []
        for target in targets:
            here = results[results["target"] == target]
            losses = here[here["selection"] == name].groupby("seed")["loss"].mean()
            found = None if name == ALL else difference(here, name, ALL)
            cells.append(f"{losses.mean():.3f} ± {losses.std():.3f}")
            cells[-1] += f" ({found.mean:+.3f} ± {found.half:.3f})" if found else ""
        rows.append([name, *cells])
    return markdown(["chosen by", *targets], rows)


def rule_table(verdicts: list[dict[str, Any]]) -> str:
    """What the rule says of each target and way."""
    words = {True: "yes", False: "no"}
    rows = [[words.get(value, str(value)) for value in line.values()] for line in verdicts]
    return markdown([*verdicts[0]], rows)
