"""Do gradients at several checkpoints or whitened ones choose better? A table of docs/experiments.md by one command.

    python -m benchmarks.gradient_kinds MODEL --data FOLDER

FOLDER/pool holds files of instructions, FOLDER/target NAME_validation.jsonl and NAME_test.jsonl of each target. Some
short instructions of every file are the pool of two runs, with the gradients at the last checkpoint and at four; the
first is whitened with several lambdas. The recommended walk chooses from each for each target, `evaluate` trains on
what is chosen. Everything lies under bench/gradient_kinds, and a stopped command goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.experiment_tables import put
from g2is.analysis import walks
from g2is.config import BuildConfig, EvaluationConfig, GradientConfig, LayoutConfig, ModelConfig, walk_preset
from g2is.evaluation.candidates import Candidate, baseline
from g2is.evaluation.fine_tuning import evaluate
from g2is.instructions import Instruction, read_instructions
from g2is.pipeline.build import build
from g2is.pipeline.inputs import Target
from g2is.pipeline.whiten import whiten
from g2is.run.run import Run
from g2is.storage.files import write_bytes

RESULTS = Path("bench/gradient_kinds")
DOCUMENT = Path("docs/experiments.md")
TABLE = "kinds of gradients"
CHECKPOINTS = 4
LAMBDAS = (0.1, 1.0, 10.0)
"""Shares of the mean eigenvalue of the second moment; 1 is the rule, 0.1 that of Grosse et al."""
PLAIN = "plain, last checkpoint"
LONGEST = 600
"""Characters of an instruction, at most, so that all take minutes on a laptop."""
SHARE = 0.05
TRAINING = EvaluationConfig(epochs=1, learning_rate=5e-3, dropout=0, batch_size=8, seeds=3, answers=0)


def short(path: Path, count: int, seed: int) -> list[Instruction]:
    """Up to `count` random ones of the short instructions in a file, in the order of the file."""
    read = read_instructions([path], skip_bad=True).instructions
    some = [one for one in read if len(one.prompt) + len(one.response) <= LONGEST]
    rows = np.sort(np.random.default_rng(seed).permutation(len(some))[:count])
    return [some[row] for row in rows.tolist()]


def write(path: Path, instructions: Sequence[Instruction]) -> Path:
    """Write instructions as JSON Lines of messages."""
    lines = [
        json.dumps({"messages": [{"role": turn.role, "content": turn.content} for turn in one.messages]})
        for one in instructions
    ]
    write_bytes(path, "".join(f"{line}\n" for line in lines).encode())
    return path


def chosen(runs: dict[int, Run], target: str, count: int) -> Iterator[tuple[str, np.ndarray]]:
    """The samples that the recommended walk for a target takes, by kind of gradient."""
    settings = walk_preset("recommended", count=count, targets={target: 1.0})
    yield PLAIN, walks.walk(runs[1], settings).samples
    yield (
        f"plain, {CHECKPOINTS} checkpoints by learning rate",
        walks.walk(runs[CHECKPOINTS], settings).samples,
    )
    mean = 1 / runs[1].files.number("gradients", "projection_dim")  # of eigenvalues that sum to 1
    for share in LAMBDAS:
        whitened = whiten(runs[1].folder, share * mean, lambda line: None)
        name = f"whitened, lambda {share:g} times the mean eigenvalue"
        yield name, walks.walk(whitened, settings.replace(regime="whitened")).samples


def always(rows: np.ndarray) -> Callable[[int], list[int]]:
    """The same samples for every seed."""
    return lambda seed: rows.tolist()


def table(summaries: dict[str, pd.DataFrame], picks: dict[str, dict[str, np.ndarray]]) -> str:
    """Mean test loss by kind of gradient (rows) and target, and how many picks are those of the first row."""
    heads = ["gradients", *summaries, "picks shared with the first line"]
    rows = [heads, ["---"] * len(heads)]
    first = next(iter(summaries.values()))
    for name in first["selection"]:
        losses, shared = [], []
        for target, summary in summaries.items():
            (row,) = summary[summary["selection"] == name].itertuples()
            losses.append(f"{row.loss:.3f} ± {row.loss_spread:.3f}")
            if name in picks[target] and name != PLAIN:
                same = len(np.intersect1d(picks[target][name], picks[target][PLAIN]))
                shared.append(f"{same} of {len(picks[target][PLAIN])}")
        rows.append([name, *losses, ", ".join(shared)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main(arguments: argparse.Namespace) -> None:
    inputs, names = arguments.output / "inputs", arguments.target
    stems = {path.stem for path in (arguments.data / "pool").iterdir()}
    if missing := set(arguments.files or ()) - stems:
        raise SystemExit(
            f"error: no file {', '.join(sorted(missing))}; {arguments.data / 'pool'} has {', '.join(sorted(stems))}"
        )
    pool = [
        write(inputs / f"{path.stem}.jsonl", short(path, arguments.instructions, seed=0))
        for path in sorted((arguments.data / "pool").iterdir())
        if arguments.files is None or path.stem in arguments.files
    ]
    files = {
        (name, kind): write(
            inputs / f"{name}_{kind}.jsonl",
            short(arguments.data / "target" / f"{name}_{kind}.jsonl", count, seed=1),
        )
        for name in names
        for kind, count in (("validation", arguments.validation), ("test", arguments.test))
    }
    runs = {}
    for checkpoints in (1, CHECKPOINTS):
        config = BuildConfig(
            model=ModelConfig(model=arguments.model),
            gradients=GradientConfig(checkpoints=checkpoints, regimes=("sgd",), projection_dim=1024),
            layout=LayoutConfig(umap=False),
        )
        config = config.replace(warmup=config.warmup.replace(fraction=arguments.warmup))
        targets = [Target(name, files[name, "validation"]) for name in names]
        runs[checkpoints] = build(arguments.output / f"checkpoints-{checkpoints}", config, pool, targets)
    count = int(len(runs[1].valid) * SHARE)
    picks, summaries = {}, {}
    for name in names:
        picks[name] = dict(chosen(runs, name, count))
        candidates = [Candidate(kind, "walk", always(rows)) for kind, rows in picks[name].items()]
        candidates += baseline(runs[1], "random", [{"count": count}], named=False)
        tests = [Target(name, files[name, "test"])]
        summary = evaluate(runs[1], tests, candidates, TRAINING, name=f"kinds-{name}")
        summaries[name] = summary[summary["task"] == ""]
    made = table(summaries, picks)
    print(f"{len(runs[1].valid):,} instructions, {count} taken\n\n{made}")
    write_bytes(arguments.output / "table.md", f"{made}\n".encode())
    if arguments.document:
        put({TABLE: made}, DOCUMENT)


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model", help="folder or name of the model")
    parser.add_argument("--data", type=Path, required=True, help="folder with pool/ and target/")
    parser.add_argument("--files", nargs="+", metavar="NAME", help="files of the pool, without ending [all]")
    parser.add_argument("--target", nargs="+", default=["gsm8k", "bbh"], metavar="NAME", help="[gsm8k bbh]")
    parser.add_argument("--instructions", type=int, default=160, help="of each file [160]")
    parser.add_argument("--validation", type=int, default=40, help="examples of each target [40]")
    parser.add_argument("--test", type=int, default=60, help="test examples of each target [60]")
    parser.add_argument("--warmup", type=float, default=0.2, help="share of the pool to warm up on [0.2]")
    parser.add_argument("--output", type=Path, default=RESULTS, help=f"folder for everything [{RESULTS}]")
    parser.add_argument("--document", action="store_true", help=f"write the table into {DOCUMENT}")
    main(parser.parse_args())
