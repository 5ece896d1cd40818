"""The demo as a run: the embedded data and model through the ordinary build, selections, and their evaluation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from g2is.config import BuildConfig, ModelConfig
from g2is.demo import MODEL, copy_demo

if TYPE_CHECKING:
    from g2is.pipeline.extras import Extras
    from g2is.run.run import Run


def build_demo(
    folder: Path,
    *,
    extras: Extras | None = None,
    overwrite: bool = False,
    evaluated: bool = True,
    say: Callable[[str], None] = print,
) -> Run:
    """Copy the demo's instructions beside `folder`, build the run there, save selections and fine-tune on them; again
    to resume. Nothing is downloaded.

    evaluated: False for the run alone.
    """
    from g2is.demo.results import evaluate_selections, save_selections, save_set
    from g2is.pipeline.build import build
    from g2is.pipeline.inputs import Target

    files = copy_demo(folder.with_name(f"{folder.name}-data"))
    say(f"instructions of the demo: {files.train[0].parent}")
    config = BuildConfig(model=ModelConfig(model=str(MODEL), device="cpu"))
    run = build(
        folder,
        config,
        files.train,
        [Target("demo", files.validation)],
        extras=extras,
        overwrite=overwrite,
        say=say,
    )
    if evaluated:
        if saved := save_selections(run):
            say(f"selections saved: {', '.join(saved)}")
        save_set(run)
        evaluate_selections(run, files.test, say)
    return run
