"""What the page is asked to fine-tune, read and counted before anything starts."""

from __future__ import annotations

import re
from itertools import chain, count
from pathlib import Path

from g2is.app.compare.choice import THIS, read
from g2is.app.compare.tuning_job import Asked
from g2is.app.inspect.sources import readable_files
from g2is.app.shared import SET
from g2is.config import EvaluationConfig
from g2is.errors import InputError
from g2is.evaluation.results import evaluations
from g2is.run.run import Run

MOST_BUDGETS = 6


def demo_test(run: Run) -> Path | None:
    """The test file that comes with the demo run."""
    from g2is.demo import DemoFiles

    file = DemoFiles.of(run.folder.with_name(f"{run.folder.name}-data")).test.resolve()
    return file if run.manifest.is_demo and file.is_file() else None


def read_budgets(text: str) -> tuple[int, ...]:
    """Numbers of instructions, in any list that a person would write; empty for none. Raises `InputError`."""
    parts = re.split(r"[\s,;]+", text.strip()) if text.strip() else []
    if not all(re.fullmatch(r"[1-9][0-9]{0,8}", part) for part in parts) or len(parts) > MOST_BUDGETS:
        raise InputError(f"budgets = {text!r}: expected up to {MOST_BUDGETS} numbers, such as 60, 150")
    return tuple(sorted({int(part) for part in parts}))


def suggested_evaluation(run: Run, target: str) -> str:
    """A free name after the test file: `test`, `test-2`."""
    base = re.sub(r"[^A-Za-z0-9_-]", "-", target) or "test"
    known = evaluations(run)
    numbered = (f"{base}-{place}" for place in count(2))
    return next(free for free in chain([base], numbered) if free not in known)


def test_path(text: str) -> Path:
    if not text.strip():
        raise InputError("test file: none is given, expected a file of held-out examples")
    (source, *more) = readable_files([text.strip()])
    if more:
        raise InputError(f"{text.strip()}: holds several files, expected one")
    return source.path.resolve()


def check_lines(run: Run, asked: Asked) -> list[str]:
    """What the command would say with `--check`."""
    from g2is.evaluation.candidates import baseline, saved
    from g2is.evaluation.fine_tuning import check
    from g2is.pipeline.inputs import Target

    chosen = {name: read(run, name) for name in asked.selections}
    chosen |= {name: read(run, SET + name) for name in asked.sets if name not in chosen}
    candidates = [
        one
        for name, selection in chosen.items()
        for one in saved(run, "this walk" if name == THIS else name, selection, asked.budgets)
    ]
    if asked.drawn:
        size = max((len(selection.samples) for selection in chosen.values()), default=0)
        counts = [{"count": count} for count in asked.budgets or (size,)]
        candidates += baseline(run, "random", counts, named=bool(asked.budgets))
    config = EvaluationConfig(seeds=asked.seeds, epochs=asked.epochs, answers=None if asked.answers else 0)
    lines: list[str] = []
    check(run, [Target(asked.target, asked.test)], candidates, config, name=asked.name, say=lines.append)
    return lines
