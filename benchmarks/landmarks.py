"""Do gradients of a part of the pool choose as well as all of them? Tables of docs/experiments.md by one command.

    python -m benchmarks.landmarks MODEL --data FOLDER

FOLDER holds what `benchmarks.held_out` writes. A share of the instructions of every file of its pool become a run with
the gradients of all. An estimate then sees those of 5, 10 and 25 % of them, the landmarks, and estimates everyone
else's cosines to the validation gradients from features that cost less than a gradient (`landmark_features`,
`landmark_estimates`, `landmark_agreement`). Influence Distillation (Nikdan, Cohen-Addad, Alistarh and Mirrokni 2025,
arXiv 2505.19051) does so with random landmarks, tangents of the first layers and a Gaussian kernel. Round robin chooses
by the estimates and by the true cosines; `evaluate` trains on both. Everything lies under bench/landmarks, and a
stopped command goes on where it was.

The rule, written down before any result was seen. Landmarks hold what they promise if one way to estimate, the same
for all targets, with gradients of a quarter of the pool or fewer, on GSM8K and on BBH at 5 %,

1. teaches level with round robin over all gradients, or better, by the interval of `evaluate` (95 %, for other test
   examples and other seeds), and is at most 2 % of its loss worse;
2. teaches better, beyond that interval, than round robin by hidden states, which needs no gradient at all (`rds_plus`);
3. takes less than half of the processor time of all gradients, features included.

The way at 10 and at 25 % is the one whose picks agree best with those by all gradients, mean over targets, among those
that meet 3; no loss is looked at.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.experiment_tables import markdown, put
from benchmarks.gradient_kinds import TRAINING, always, write
from benchmarks.landmark_agreement import (
    WAYS,
    Estimates,
    Goal,
    Way,
    agreements,
    goals_of,
    mean_over_targets,
    without_gradients,
)
from benchmarks.landmark_features import FEATURES, features_of
from benchmarks.landmark_tables import ALL, HALF, LAST, agreement_table, loss_table, rule_table, verdict
from benchmarks.report import interleaved, save
from g2is.analysis import walks
from g2is.arrays.unit import unit
from g2is.config import BuildConfig, GradientConfig, LayoutConfig, ModelConfig, ReadingConfig, walk_preset
from g2is.evaluation.candidates import Candidate, baseline
from g2is.evaluation.fine_tuning import evaluate
from g2is.evaluation.results import read_evaluations
from g2is.instructions import Instruction, from_frame, read_instructions
from g2is.lm.batching import batches
from g2is.lm.gradients import GradientEngine
from g2is.lm.layers import piece_sizes
from g2is.lm.lazy import LazyModel
from g2is.lm.model import inspect_model
from g2is.lm.projection import make_projection
from g2is.lm.representations import represent
from g2is.lm.text import Encoded
from g2is.lm.train import trainable
from g2is.lm.warmup import load_state
from g2is.pipeline.build import build
from g2is.pipeline.extras import Extras
from g2is.pipeline.inputs import Target
from g2is.run.paths import WARMUP
from g2is.run.run import Run
from g2is.run.texts import instructions_of
from g2is.storage.files import write_array, write_bytes

RESULTS = Path("bench/landmarks")
DOCUMENT = Path("docs/experiments.md")
SHARES = (0.05, 0.1, 0.25)
"""Landmarks, of the pool."""
TRAINED_SHARES = (0.1, 0.25)
BUDGET = 0.05
"""Of the pool, that is chosen and trained on."""
TIMED, ROUNDS = 192, 3
BATCH_TOKENS = 4096
READING = ReadingConfig(skip_bad=True)
ANY_COST = "landmarks 25, any cost"


def drawn(path: Path, share: float) -> list[Instruction]:
    """A share of the instructions in a file, seeded, in the order of the file."""
    read = read_instructions([path], skip_bad=True).instructions
    rows = np.sort(np.random.default_rng(0).permutation(len(read))[: round(share * len(read))])
    return [read[row] for row in rows.tolist()]


def built(arguments: argparse.Namespace) -> Run:
    """The run over a share of every file of the pool, with the gradients of all."""
    inputs = arguments.output / "inputs"
    pool = [
        write(inputs / f"{path.stem}.jsonl", drawn(path, arguments.share))
        for path in sorted((arguments.data / "pool").iterdir())
        if path.stem not in arguments.without
    ]
    targets = [
        Target(name, arguments.data / "target" / f"{name}_validation.jsonl") for name in arguments.target
    ]
    config = BuildConfig(
        model=ModelConfig(model=arguments.model, max_length=arguments.max_length, device="cpu"),
        gradients=GradientConfig(regimes=("sgd",), projection_dim=arguments.dimensions),
        layout=LayoutConfig(umap=False),
        reading=READING,
    )
    config = config.replace(warmup=config.warmup.replace(fraction=arguments.warmup))
    return build(arguments.output / "run", config, pool, targets, extras=Extras(representations=True))


def warmed_up(run: Run) -> LazyModel:
    """The run's model after the warm-up."""
    config = run.manifest.configuration
    assert isinstance(config, BuildConfig)
    lazy = LazyModel(config, inspect_model(config.model), print)
    state = load_state(run.folder / WARMUP)
    for name, parameter in trainable(lazy.model).items():
        parameter.data.copy_(state.parameters[name])
    return lazy


def estimates_of(run: Run, lazy: LazyModel, output: Path) -> Estimates:
    """Features of the pool and of the examples, computed once."""
    states = run.representations("weighted")
    pool, examples = ({LAST: unit(rows).astype(np.float64)} for rows in (states.samples, states.validation))
    for name, feature in FEATURES.items():
        records = instructions_of(run.texts, range(len(run.valid)))
        for part, found, some in (
            ("pool", pool, records),
            ("examples", examples, from_frame(run.validation)),
        ):
            path = output / "features" / f"{name}_{part}.npy"
            if not path.exists():
                samples = lazy.encoder(some)
                write_array(path, features_of(feature, lazy.model, samples, BATCH_TOKENS))
            found[name] = np.load(path)
    return Estimates(pool, examples, run.valid)


def pass_seconds(lazy: LazyModel, samples: Sequence[Encoded]) -> pd.DataFrame:
    """Processor time of passes over the same samples: feature, seconds, of_gradients (share of that of gradients)."""
    grouped = [[samples[i] for i in batch] for batch in batches([*map(len, samples)], BATCH_TOKENS)]
    sizes = piece_sizes(trainable(lazy.model))
    engine = GradientEngine(lazy.model, make_projection(lazy.config.gradients, sizes, "cpu"))

    def over_all(one: Callable[..., object], *before: Any) -> Callable[[], object]:
        return lambda: [one(*before, batch) for batch in grouped]

    passes = {"gradients": over_all(engine), LAST: over_all(represent, lazy.model)}
    passes |= {name: over_all(feature, lazy.model) for name, feature in FEATURES.items()}
    taken = {name: min(times) for name, times in interleaved(passes, ROUNDS, time.process_time).items()}
    rows = [
        {"feature": name, "seconds": seconds, "of_gradients": seconds / taken["gradients"]}
        for name, seconds in taken.items()
    ]
    return pd.DataFrame(rows)


def with_cost(found: pd.DataFrame, passes: pd.DataFrame) -> pd.DataFrame:
    """Agreements with their cost: the processor time of the feature and of the landmarks' gradients, as a share of that
    of all gradients."""
    of_gradients = passes.set_index("feature")["of_gradients"]
    return found.assign(cost=found["share"] + found["feature"].map(of_gradients))


def best_way(found: pd.DataFrame, share: float, most: float = float("inf")) -> Way:
    """The way whose picks agree best at a share of landmarks, among those that cost less than `most`. found: means over
    targets, with their cost."""
    here = found[(found["share"] == share) & (found["cost"] < most)]
    name = here.loc[here[f"picks {BUDGET:.0%}"].idxmax(), "way"]
    return next(way for way in WAYS if str(way) == name)


def candidates(
    run: Run, goal: Goal, estimates: Estimates, trained: dict[str, tuple[Way, float]]
) -> Iterator[Candidate]:
    """What is trained on for one target. trained: ways and shares of landmarks by name."""
    chosen = {ALL: goal.true}
    chosen |= {name: estimates(way, share, goal) for name, (way, share) in trained.items()}
    chosen |= {
        f"cosine of {feature}": estimates.similarity(feature, goal) for feature in (LAST, "middle", "output")
    }
    for name, cosines in chosen.items():
        picks = goal.picks(cosines, BUDGET)
        yield Candidate(name, "round_robin", always(picks))
    settings = walk_preset("recommended", count=len(picks), targets={goal.name: 1.0})
    yield Candidate("all gradients, walk", "walk", always(walks.walk(run, settings).samples))
    yield from baseline(run, "random", [{"count": len(picks)}], named=False)


def main(arguments: argparse.Namespace) -> None:
    run = built(arguments)
    lazy = warmed_up(run)
    goals, estimates = goals_of(run), estimates_of(run, lazy, arguments.output)
    samples = lazy.encoder(instructions_of(run.texts, np.flatnonzero(run.valid)))
    passes = pass_seconds(lazy, samples[:: max(1, len(samples) // TIMED)])
    rows = [*without_gradients(goals, estimates), *agreements(goals, estimates, WAYS, SHARES)]
    found = with_cost(pd.DataFrame(rows), passes)
    means = mean_over_targets(found)
    made = {
        "landmarks, cost": markdown(
            ["pass", "of gradients"],
            [[row.feature, f"{row.of_gradients:.2f}"] for row in passes.itertuples()],
        ),
        "landmarks, agreement": agreement_table(means),
    }
    print(*made.values(), sep="\n\n", flush=True)
    trained = {
        f"landmarks {share:.0%}".rstrip("%"): (best_way(means, share, HALF), share)
        for share in TRAINED_SHARES
    }
    trained[ANY_COST] = (best_way(means, max(SHARES)), max(SHARES))
    parts, verdicts = [], []
    for goal in (goal for goal in goals if goal.name in (arguments.train_for or arguments.target)):
        test = [Target(goal.name, arguments.data / "target" / f"{goal.name}_test.jsonl")]
        name = f"landmarks-{goal.name}"
        training = TRAINING.replace(seeds=arguments.seeds)
        evaluate(
            run, test, [*candidates(run, goal, estimates, trained)], training, name=name, reading=READING
        )
        parts.append(read_evaluations(run, name))
        for label, (way, share) in trained.items():
            cost = share + float(passes.set_index("feature")["of_gradients"][way.feature])
            verdicts.append(verdict(parts[-1], label, cost))
    made["landmarks, loss"] = loss_table(pd.concat(parts))
    made["landmarks, rule"] = rule_table(verdicts)
    for label, (way, share) in trained.items():
        print(f"{label}: {way}, {share:.0%}")
    print(*made.values(), sep="\n\n")
    save("agreement", found.to_dict("records"), arguments.output, passes=passes.to_dict("records"))
    tables = "\n\n".join(f"{name}\n\n{text}" for name, text in made.items())
    write_bytes(arguments.output / "tables.md", f"{tables}\n".encode())
    if arguments.document:
        where = f", without {' and '.join(arguments.without)}" if arguments.without else ""
        put({f"{name}{where}": text for name, text in made.items()}, DOCUMENT)


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model", help="folder or name of the model")
    parser.add_argument("--data", type=Path, required=True, help="folder with pool/ and target/")
    parser.add_argument("--target", nargs="+", default=["gsm8k", "bbh"], metavar="NAME", help="[gsm8k bbh]")
    parser.add_argument(
        "--without",
        nargs="+",
        default=[],
        metavar="NAME",
        help="files to leave out of the pool, without ending",
    )
    parser.add_argument("--train-for", nargs="+", metavar="NAME", help="targets that are trained for [all]")
    parser.add_argument("--seeds", type=int, default=3, help="fine-tunings of each selection [3]")
    parser.add_argument("--share", type=float, default=0.2, help="of the instructions of each file [0.2]")
    parser.add_argument("--max-length", type=int, default=256, help="tokens of an instruction [256]")
    parser.add_argument("--dimensions", type=int, default=8192, help="numbers of a gradient's sketch [8192]")
    parser.add_argument("--warmup", type=float, default=0.2, help="share of the pool to warm up on [0.2]")
    parser.add_argument("--output", type=Path, default=RESULTS, help=f"folder for everything [{RESULTS}]")
    parser.add_argument("--document", action="store_true", help=f"write the tables into {DOCUMENT}")
    main(parser.parse_args())
