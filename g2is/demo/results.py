"""What the demo has beside its run, so that no page is empty: saved selections, a named set, and an evaluation."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from g2is.config import EvaluationConfig, walk_preset
from g2is.run.paths import EVALUATIONS, progress_path, selection_file
from g2is.run.run import Run
from g2is.run.selections import select, walk_selection
from g2is.storage.files import Taken

FRACTION = 0.05
"""Budget of the saved selections, as a share of the pool: that of the Walk page."""
BUDGETS = (60, 150)
"""Budgets of the evaluation: 2 % and 5 % of the pool."""
WALKS = ("recommended", "official")
METHODS = ("round_robin", "less", "random")
SET, TASK = "word-problems", "word_problem"
"""The named set, and the task that its instructions have."""
EVALUATION = "demo"
CONFIG = EvaluationConfig(seeds=3, epochs=5, batch_size=8, answers=0)
"""Five passes, as in docs/experiments.md. No answers: the small model gives few that are right."""


def save_selections(run: Run) -> list[str]:
    """Save the walks of both presets, and what other methods choose with the same budget, where nothing has that name;
    returns the names of those that were missing."""
    from g2is.analysis import walks

    budget = max(1, int(int(run.valid.sum()) * FRACTION))
    walked = {name: walk_preset(name, fraction=FRACTION) for name in WALKS}
    files = {f"{name}-{budget}": name for name in (*WALKS, *METHODS)}
    missing = {}
    for name, method in files.items():
        path = run.inside(selection_file(name.replace("_", "-")))
        if not path.exists():
            missing[path] = method
    for path, method in missing.items():
        chosen = (
            walk_selection(run, walks.walk(run, walked[method]))
            if method in walked
            else select(run, method, count=budget)
        )
        with suppress(Taken):  # by another program, which does the same
            chosen.save(run, path.stem)
    return [path.stem for path in missing]


def save_set(run: Run) -> None:
    """Save the named set, where there is none of that name."""
    if SET not in run.sets:
        run.sets.write(
            SET,
            np.flatnonzero(run.instructions["task"] == TASK),
            note="Word problems with numbers. A set can be pinned, banned, compared, exported, or restrict a walk.",
            origin=f"Instructions: task is {TASK}",
        )


def evaluate_selections(run: Run, test: Path, say: Callable[[str], None]) -> None:
    """Fine-tune on them at both budgets, or resume that. A finished evaluation of that name stays as it is."""
    from g2is.evaluation.results import evaluations

    known = evaluations(run).get(EVALUATION)
    folder = run.inside(EVALUATIONS, EVALUATION)
    if known is not None and all((folder / one.file).is_file() for one in known.fine_tunings):
        return
    from g2is.analysis import walks
    from g2is.evaluation.candidates import baseline, saved
    from g2is.evaluation.fine_tuning import evaluate
    from g2is.pipeline.inputs import Target
    from g2is.run.selections import Selection

    candidates = []
    for name in WALKS:
        parameters = walk_preset(name, count=BUDGETS[0])
        walk = walks.walk(run, parameters)
        candidates += saved(
            run, name, Selection.of(run, walk.samples, "walk", parameters.model_dump()), BUDGETS
        )
    counts: list[dict[str, Any]] = [{"count": count} for count in BUDGETS]
    for method in METHODS:
        candidates += baseline(run, method, counts, named=True)
    evaluate(
        run,
        [Target("demo", test)],
        candidates,
        CONFIG,
        name=EVALUATION,
        progress=progress_path(run.folder),
        say=say,
    )
