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
from g2is.config.grammar import named
from g2is.errors import InputError
from g2is.evaluation import grid
from g2is.evaluation.results import evaluation_names
from g2is.instructions import short_name
from g2is.run.run import Run

MOST_BUDGETS = 6


def demo_test(run: Run) -> Path | None:
    """The test file that comes with the demo run."""
    from g2is.demo import DemoFiles

    file = DemoFiles.of(run.folder.with_name(f"{run.folder.name}-data")).test.resolve()
    return file if run.manifest.is_demo and file.is_file() else None


def budgets_of(run: Run, text: str) -> tuple[int, ...]:
    """Numbers of instructions, from any list of numbers and shares that a person would write; empty for none. Raises
    `InputError`."""
    return _few("budgets", grid.read_budgets(run, [text]))


def sizes_of(text: str) -> tuple[int, ...]:
    """Numbers of validation examples, 0 for all of them; empty for none. Raises `InputError`."""
    return _few("validation examples", grid.read_sizes([text]))


def _few(what: str, numbers: list[int]) -> tuple[int, ...]:
    if len(numbers) > MOST_BUDGETS:
        raise InputError(f"{what}: {len(numbers):,} numbers, expected up to {MOST_BUDGETS}")
    return tuple(numbers)


def suggested_evaluation(run: Run, target: str) -> str:
    """A free name after the test file: `test`, `test-2`."""
    base = re.sub(r"[^A-Za-z0-9_-]", "-", target) or "test"
    known = evaluation_names(run)
    numbered = (f"{base}-{place}" for place in count(2))
    return next(free for free in chain([base], numbered) if free not in known)


def tests_of(text: str) -> tuple[tuple[str, Path], ...]:
    """Name and path of each test file. text: [NAME=]FILE, separated by semicolons. Raises `InputError`."""
    parts = [part.strip() for part in text.split(";") if part.strip()]
    if not parts:
        raise InputError("test file: none is given, expected a file of held-out examples")
    pairs = [named(part) for part in parts]
    return tuple((name.strip() or short_name(file.strip()), _path(file)) for name, file in pairs)


def _path(text: str) -> Path:
    (source, *more) = readable_files([text.strip()])
    if more:
        raise InputError(f"{text.strip()}: holds several files, expected one")
    return source.path.resolve()


def check_lines(run: Run, asked: Asked) -> list[str]:
    """What the command would say with `--check`."""
    from g2is.evaluation.fine_tuning import check
    from g2is.evaluation.requested import requested
    from g2is.pipeline.inputs import Target

    chosen = {name: read(run, name) for name in asked.selections}
    chosen |= {name: read(run, SET + name) for name in asked.sets if name not in chosen}
    candidates = requested(
        run,
        {"this walk" if name == THIS else name: selection for name, selection in chosen.items()},
        ["random"] if asked.drawn else [],
        budgets=asked.budgets,
        sizes=asked.sizes,
        targets=[name for name, _ in asked.tests] if asked.by_target else (),
    )
    config = EvaluationConfig(seeds=asked.seeds, epochs=asked.epochs, answers=None if asked.answers else 0)
    lines: list[str] = []
    tests = [Target(name, file) for name, file in asked.tests]
    check(run, tests, candidates, config, name=asked.name, say=lines.append)
    return lines
