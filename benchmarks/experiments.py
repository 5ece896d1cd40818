"""Which selection teaches a target best: every table of docs/experiments.md from one command.

    python -m benchmarks.experiments POOL_RUN --demo DEMO_RUN --data FOLDER

POOL_RUN is a run of any validation target over the files of FOLDER/pool, DEMO_RUN the demo's; FOLDER/target holds
validation and test files. Every fine-tuning is saved under bench/experiments as soon as it is done, so that a stopped
command can be resumed; `--tables` only writes the tables of finished ones.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from benchmarks.experiment_plan import Plan, plans
from benchmarks.experiment_tables import write_tables
from benchmarks.experiment_targets import Target, targets
from g2is.config import EvaluationConfig
from g2is.lm.evaluate import fine_tuned, held_out_losses
from g2is.lm.model import inspect_model, load_model
from g2is.lm.text import Encoded, Encoder
from g2is.lm.tokenizer import load_tokenizer
from g2is.run.run import Run
from g2is.run.texts import instructions_of
from g2is.storage.files import write_bytes

RESULTS = Path("bench/experiments")
DOCUMENT = Path("docs/experiments.md")
MAX_LENGTH = 256
"""Tokens of a training sample, at most, to save time; gradients are of whole samples."""

_RULE = EvaluationConfig(epochs=1, learning_rate=5e-3, dropout=0, batch_tokens=1024)
TRAINING = {
    ("pool", 0.01): _RULE.replace(batch_size=4),
    ("pool", 0.05): _RULE.replace(batch_size=8),
    ("demo", 0.01): _RULE.replace(batch_size=4, epochs=5),
    ("demo", 0.05): _RULE.replace(batch_size=8, epochs=5),
}
"""By run and budget: the same for all selections, and few enough that a fine-tuning takes seconds."""


@dataclass(frozen=True)
class Job:
    """One fine-tuning: run, samples, seed, and the target to test on."""

    run: str
    target: str
    budget: float
    seed: int
    samples: tuple[int, ...]

    @property
    def path(self) -> Path:
        """A name from everything that determines the result, so that equal selections are trained once; the seed sets
        their order."""
        rule = TRAINING[self.run, self.budget].model_dump(exclude={"seeds", "answers", "new_tokens"})
        what = [self.run, self.target, rule, MAX_LENGTH, self.seed, sorted(self.samples)]
        return RESULTS / "runs" / f"{hashlib.sha256(json.dumps(what).encode()).hexdigest()[:20]}.json"


class Trainer:
    """One process: models and tokens are read once."""

    def __init__(self, folders: dict[str, Path], tests: dict[str, list[Encoded]]) -> None:
        torch.set_num_threads(1)
        self.tests = tests
        self.runs = {name: Run.open(folder) for name, folder in folders.items()}
        self.models: dict[str, Any] = {}
        self.encoders: dict[str, Encoder] = {}
        for name, run in self.runs.items():
            model = run.manifest.configuration.model
            self.models[name] = load_model(model, inspect_model(model))
            self.encoders[name] = Encoder(load_tokenizer(model), MAX_LENGTH)

    def __call__(self, job: Job) -> list[float]:
        """Held-out losses (t,) after training."""
        run = self.runs[job.run]
        samples = self.encoders[job.run](instructions_of(run.texts, sorted(job.samples)))
        config = TRAINING[job.run, job.budget]
        lora = run.manifest.configuration.lora.replace(dropout=config.dropout)
        with fine_tuned(self.models[job.run], lora, samples, config, job.seed) as model:
            return held_out_losses(model, self.tests[job.target], 4096).astype(float).tolist()


_trainer: Trainer


def _start(*arguments: Any) -> None:
    global _trainer
    _trainer = Trainer(*arguments)


def _train(job: Job) -> tuple[Job, list[float]]:
    return job, _trainer(job)


def jobs_of(plan: Plan, target: Target) -> Iterator[Job]:
    """The fine-tunings of a line of a table on one target."""
    for seed in plan.seeds:
        samples = plan.select(target, plan.budget, seed)
        yield Job(target.run_name, target.name, plan.budget, seed, tuple(samples.tolist()))


def main(arguments: argparse.Namespace) -> None:
    if arguments.tables:
        write_tables(RESULTS, DOCUMENT)
        return
    folders = {"pool": arguments.run, "demo": arguments.demo}
    known = targets(folders, arguments.data, RESULTS / "targets", arguments.target)
    wanted = [
        (plan, target, job)
        for plan in plans()
        if not arguments.table or plan.table in arguments.table
        for target in known.values()
        if target.name in plan.targets
        if not arguments.budget or plan.budget in arguments.budget
        for job in jobs_of(plan, target)
    ]
    index = [
        {
            "table": plan.table,
            "selection": plan.name,
            "target": target.name,
            "budget": plan.budget,
            "seed": job.seed,
            "size": len(job.samples),
            "sources": target.sources(job.samples),
            "shared": target.shared_with_round_robin(job.samples),
            "twins": target.twins(job.samples),
            "result": job.path.name,
        }
        for plan, target, job in wanted
    ]
    write_bytes(RESULTS / "index.json", json.dumps(index, indent=1).encode())
    todo = list({job.path: job for _, _, job in wanted if not job.path.exists()}.values())
    print(f"{len(wanted):,} results wanted, {len(todo):,} fine-tunings to do", flush=True)
    tests = {name: target.test for name, target in known.items()}
    used = {target.run_name: folders[target.run_name] for target in known.values()}
    with ProcessPoolExecutor(
        arguments.workers, get_context("spawn"), initializer=_start, initargs=(used, tests)
    ) as pool:
        futures = [pool.submit(_train, job) for job in todo]
        for future in tqdm(as_completed(futures), total=len(futures), unit=" run", mininterval=5):
            job, losses = future.result()
            write_bytes(job.path, json.dumps({"losses": losses}).encode())
    write_tables(RESULTS, DOCUMENT)


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of the run over the pool")
    parser.add_argument("--demo", type=Path, required=True, help="folder of the demo run")
    parser.add_argument("--data", type=Path, required=True, help="folder with target/")
    parser.add_argument(
        "--table", action="append", metavar="NAME", help="only this table; once for each [all]"
    )
    parser.add_argument(
        "--target", action="append", metavar="NAME", help="only this target; once for each [all]"
    )
    parser.add_argument("--budget", action="append", type=float, help="only this share; once for each [all]")
    parser.add_argument("--workers", type=int, default=2, help="processes [2]")
    parser.add_argument("--tables", action="store_true", help="only write the tables of what is there")
    main(parser.parse_args())
