"""The build of the demo run, as a job of its own. No Streamlit."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from g2is.app.shared.jobs import POSSIBLE, Job
from g2is.pipeline.progress import Progress
from g2is.run.paths import progress_path

RUN = "demo"


def command(cache: Path) -> list[str]:
    """The command that builds the demo run."""
    return [sys.executable, "-m", "g2is", "demo", "--run", RUN, "--cache", str(cache)]


def start(cache: Path, arguments: Sequence[str] | None = None) -> bool:
    """Start the build, or continue one that was stopped; False where one is running already."""
    return _job(cache).start(arguments or command(cache))


def running(cache: Path) -> bool:
    """Whether a build that `start` began is running."""
    return _job(cache).running()


def cancel(cache: Path) -> None:
    """End the build. Finished stages stay, and another start continues from them."""
    _job(cache).cancel()


def log_lines(cache: Path, most: int = 200) -> list[str]:
    """The last lines of its log, of each bar its last state. Empty where no build was started."""
    return _job(cache).log_lines(most)


def progress(cache: Path) -> Progress | None:
    """The progress of the build; None before its first stage."""
    return Progress.read(progress_path(cache / RUN))


def _job(cache: Path) -> Job:
    return Job(cache, f"{RUN}.build")


__all__ = ["POSSIBLE", "RUN", "cancel", "command", "log_lines", "progress", "running", "start"]
