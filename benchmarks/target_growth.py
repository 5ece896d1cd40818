"""Does a target that is grown from 8 examples to 32 by instructions of the pool teach as 32 true examples do?

    python -m benchmarks.target_growth POOL_RUN --data FOLDER

POOL_RUN and FOLDER are those of `benchmarks.experiments`, whose targets, training and test examples these are. Draws of
8 and 32 of a target's validation examples, the 8 among the 32; round robin takes 5 % of the pool for each way to
describe the target. What was accepted as an example leaves the choice, as in the product. Finished fine-tunings are
kept under bench/experiments, so that a stopped command can be resumed. `--check` only prints what `g2is target check`
says of all examples of each target, and what its rule foretold of the last ones.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.experiment_tables import markdown
from benchmarks.experiment_targets import HELD_OUT, Target, targets
from benchmarks.experiments import RESULTS, Job, Trainer
from g2is import selectors
from g2is.analysis.target_check import check_target
from g2is.analysis.target_gaps import Pool, grown_by_rule
from g2is.arrays.unit import unit
from g2is.graph.kinds import kinds_of
from g2is.storage.files import write_bytes

FEW, MANY = 8, 32
BUDGET = 0.05
RULE = "8, and 24 by the rule"
OWN = {**HELD_OUT, "bbh": "bbh_messages.jsonl", "gsm8k": "gsm8k.jsonl"}
"""The file of the pool that holds instructions of a target."""


def described(target: Target, draw: int) -> dict[str, tuple[NDArray[np.float32], NDArray[np.int64]]]:
    """Ways to describe a target: unit gradients of the examples, and the instructions of the pool among them."""
    order = np.random.default_rng(draw).permutation(len(target.gradients))
    rows = np.asarray(target.run.regime("sgd").gradients, np.float32)
    few, many = (unit(target.gradients[np.sort(order[:count])]) for count in (FEW, MANY))
    cosines, kinds = rows @ few.T, kinds_of(few)
    own = target.valid & (target.run.instructions["source"] == OWN[target.name]).to_numpy()
    more = MANY - FEW
    accepted = {
        RULE: grown_by_rule(Pool(cosines, rows, target.valid), kinds.membership, more),
        "8, and 24 by the rule that are the target's own": grown_by_rule(
            Pool(cosines, rows, own), kinds.membership, more
        ),
        "8, and 24 by the rule, least alike first": grown_by_rule(
            Pool(cosines, rows, target.valid, farthest=True), kinds.membership, more
        ),
        "8, and 24 of the target's own, least alike first": grown_by_rule(
            Pool(cosines, rows, own, farthest=True), kinds.membership, more
        ),
        "8, and 24 drawn from the target's own file": np.random.default_rng(draw).choice(
            np.flatnonzero(own), more, replace=False
        ),
    }
    none = np.zeros(0, np.int64)
    return {
        f"{FEW} true": (few, none),
        **{name: (np.concatenate([few, rows[new]]), new) for name, new in accepted.items()},
        f"{MANY} true": (many, none),
    }


def selections(target: Target, draw: int) -> dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """For each way the selection, and the instructions of the pool that are examples."""
    rows, budget = np.asarray(target.run.regime("sgd").gradients, np.float32), target.budget(BUDGET)
    found = {}
    for name, (examples, accepted) in described(target, draw).items():
        without = target.valid.copy()
        without[accepted] = False
        choices = {name: without}
        if name == RULE:
            choices[f"{name}, which may be chosen too"] = target.valid
        for way, valid in choices.items():
            chosen = selectors.round_robin(rows @ examples.T, [""] * len(examples), valid, budget)
            found[way] = chosen, accepted
    found["random"] = selectors.random(target.valid, budget, seed=draw), np.zeros(0, np.int64)
    return found


def measured(known: dict[str, Target], draws: int, loss: Callable[[Job], float]) -> pd.DataFrame:
    """One row for each selection: target, draw, way, loss, own (share of what was accepted that is from the target's
    file), accepted, shared (share of the selection that 32 true examples take too)."""
    rows = []
    for draw in range(draws):
        for name, target in known.items():
            made = selections(target, draw)
            best = made[f"{MANY} true"][0]
            sources = target.run.instructions["source"].to_numpy()
            for way, (samples, accepted) in made.items():
                job = Job("pool", name, BUDGET, draw, tuple(samples.tolist()))
                rows.append(
                    {
                        "target": name,
                        "draw": draw,
                        "way": way,
                        "loss": loss(job),
                        "accepted": len(accepted),
                        "own": float((sources[accepted] == OWN[name]).mean()) if len(accepted) else np.nan,
                        "shared": float(np.isin(samples, best).mean()),
                    }
                )
                print(rows[-1], flush=True)
    return pd.DataFrame(rows)


def table(frame: pd.DataFrame) -> str:
    """Loss by way and target, and its log ratio to that of the few true examples in per cent, ± the standard error over
    draws."""
    names = list(dict.fromkeys(frame["target"]))
    base = frame[frame["way"] == f"{FEW} true"].set_index(["target", "draw"])["loss"]
    lines = []
    for way, mine in frame.groupby("way", sort=False):
        by = mine.set_index(["target", "draw"])
        ratio = (100 * np.log(by["loss"] / base)).dropna()
        cells = []
        for name in names:
            here, of = ratio.index.get_level_values("target") == name, by["loss"]
            if not here.any():
                cells += ["", ""]
                continue
            spread = f" ± {ratio[here].sem():.1f}" if here.sum() > 1 else " (one draw)"
            cells += [f"{of.xs(name, level='target').mean():.3f}", f"{ratio[here].mean():+.1f}{spread}"]
        own = f"{mine['own'].mean():.0%}" if mine["accepted"].any() else ""
        lines.append([str(way), *cells, str(mine["draw"].nunique()), own, f"{mine['shared'].mean():.0%}"])
    head = [text for name in names for text in (name, "against 8 true, %")]
    return markdown(["examples", *head, "draws", "accepted that are the target's own", "as 32 true"], lines)


def print_checks(known: dict[str, Target]) -> None:
    """What the check says of each target, and how its forecast did on the last examples."""
    for name, target in known.items():
        found = check_target(name, target.gradients, target.cosines("sgd"), target.valid)
        step = found.forecast
        print(
            f"{name}: {found.sentence} {step and f'foretold {step.foretold:.3f}, changed {step.change:.3f}'}"
        )


def main(arguments: argparse.Namespace) -> None:
    known = targets({"pool": arguments.run}, arguments.data, RESULTS / "targets", arguments.target)
    if arguments.check:
        print_checks(known)
        return
    trainer = None

    def loss(job: Job) -> float:
        nonlocal trainer
        if not job.path.exists():
            if arguments.finished:
                return float("nan")
            trainer = trainer or Trainer({"pool": arguments.run}, {n: t.test for n, t in known.items()})
            write_bytes(job.path, json.dumps({"losses": trainer(job)}).encode())
        return float(np.mean(json.loads(job.path.read_text())["losses"]))

    frame = measured(known, arguments.draws, loss).dropna(subset="loss")
    base = frame[frame["way"] == f"{FEW} true"].set_index(["target", "draw"]).index
    print(table(frame[frame.set_index(["target", "draw"]).index.isin(base)]))


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of the run over the pool")
    parser.add_argument("--data", type=Path, required=True, help="folder with target/")
    parser.add_argument("--target", nargs="+", default=["bbh", "t0"], metavar="NAME", help="[bbh t0]")
    parser.add_argument("--draws", type=int, default=3, help="draws of the examples, and seeds [3]")
    parser.add_argument("--finished", action="store_true", help="only the table of what is finished")
    parser.add_argument("--check", action="store_true", help="only check the targets, train nothing")
    main(parser.parse_args())
