"""The demo as a run: the embedded data and model through the ordinary build."""

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
    say: Callable[[str], None] = print,
) -> Run:
    """Copy the demo's instructions beside `folder` and build the run there; nothing is downloaded."""
    from g2is.pipeline.build import build
    from g2is.pipeline.inputs import Target

    files = copy_demo(folder.with_name(f"{folder.name}-data"))
    say(f"instructions of the demo: {files.train[0].parent}")
    config = BuildConfig(model=ModelConfig(model=str(MODEL), device="cpu"))
    return build(
        folder,
        config,
        files.train,
        [Target("demo", files.validation)],
        extras=extras,
        overwrite=overwrite,
        say=say,
    )
