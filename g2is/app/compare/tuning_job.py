"""Fine-tuning that the page starts: the command, which process runs it, and how far it is. No Streamlit."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from g2is.app.shared.jobs import Job
from g2is.errors import InputError
from g2is.evaluation.results import ABOUT, Evaluation
from g2is.pipeline.progress import Progress
from g2is.run.paths import EVALUATIONS, progress_path
from g2is.run.run import Run
from g2is.storage.files import write_bytes
from g2is.storage.gate import ask
from g2is.storage.json_file import read_json

LONGEST = 100_000
"""Bytes of the file with the words of the command, at most."""


@dataclass(frozen=True)
class Asked:
    """What is asked for. selections, sets: names of saved ones. tests: name and file of each. drawn: whether a random
    draw is added. budgets: empty for the selections as they are. sizes: numbers of validation examples, 0 for all;
    empty for the selections as they are. by_target: whether each test is for the target of its name alone. epochs: None
    for what the model's size suggests."""

    name: str
    selections: tuple[str, ...]
    tests: tuple[tuple[str, Path], ...]
    seeds: int
    sets: tuple[str, ...] = ()
    budgets: tuple[int, ...] = ()
    sizes: tuple[int, ...] = ()
    by_target: bool = False
    drawn: bool = True
    epochs: int | None = None
    answers: bool = False

    def words(self, run: Run) -> list[str]:
        """The words of the command, without program and cache."""
        return [
            *("evaluate", run.name, "--name", self.name),
            *(word for target, file in self.tests for word in ("--test", f"{target}={file}")),
            *(word for name in self.selections for word in ("--selection", name)),
            *(word for name in self.sets for word in ("--set", name)),
            *(("--method", "random") if self.drawn else ()),
            *(("--budgets", *map(str, self.budgets)) if self.budgets else ()),
            *(("--validation-sizes", *(str(size or "all") for size in self.sizes)) if self.sizes else ()),
            *(("--by-target",) if self.by_target else ()),
            *("--seeds", str(self.seeds)),
            *(("--epochs", str(self.epochs)) if self.epochs else ()),
            *(() if self.answers else ("--answers", "0")),
        ]


def job_of(run: Run) -> Job:
    """The process that fine-tunes for a run; one at a time."""
    return Job(run.folder.parent.resolve(), f"{run.name}.evaluation")


def start(run: Run, words: Sequence[str]) -> bool:
    """Start fine-tuning, or continue it; False where some is running."""
    if job_of(run).running():
        return False
    ask(run.inside(EVALUATIONS, words[3]))
    write_bytes(_words_file(run), json.dumps(list(words)).encode())
    cache = str(run.folder.parent.resolve())
    return job_of(run).start([sys.executable, "-m", "g2is", *words, "--cache", cache])


def last_words(run: Run) -> list[str] | None:
    """The words of the command that was started last; None where there was none."""
    path = _words_file(run)
    try:
        words = read_json(path, LONGEST)
    except (OSError, ValueError):
        return None
    known = isinstance(words, list) and all(isinstance(word, str) for word in words)
    return words if known and words[:3] == ["evaluate", run.name, "--name"] and len(words) > 3 else None


def forget(run: Run) -> None:
    """It is not to be resumed."""
    ask(_words_file(run))
    _words_file(run).unlink(missing_ok=True)


def is_complete(run: Run, name: str) -> bool:
    """Whether all fine-tunings of an evaluation are done."""
    folder = run.inside(EVALUATIONS, name)
    try:
        about = Evaluation.read(folder) if (folder / ABOUT).exists() else None
    except InputError:
        return False
    return about is not None and all((folder / one.file).is_file() for one in about.fine_tunings)


def progress(run: Run, name: str) -> Progress | None:
    """How far it is; None before the first step."""
    return Progress.read(progress_path(run.inside(EVALUATIONS, name)))


def _words_file(run: Run) -> Path:
    return run.folder.parent / f".{run.name}.evaluation.json"
