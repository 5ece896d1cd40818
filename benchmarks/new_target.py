"""What `g2is target add` costs in processor seconds, by phase: `python -m benchmarks.new_target RUN FILE`.

RUN: the folder of a finished run, of which a copy is used. FILE: examples. Processor seconds are of all threads; they
depend far less on what else the machine does than seconds of a clock.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock


class Phases:
    """Processor seconds by phase; each ends where the next begins."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._since = time.process_time()

    def end(self, name: str) -> None:
        now = time.process_time()
        self.seconds[name] = self.seconds.get(name, 0.0) + now - self._since
        self._since = now


def measured(run: Path, examples: Path) -> dict[str, float]:
    """Add a target to a run; returns the seconds of each phase."""
    phases = Phases()
    import g2is.cli.target
    from g2is.config import ReadingConfig
    from g2is.pipeline.adding import add_examples
    from g2is.pipeline.inputs import Target
    from g2is.pipeline.writer import RunWriter

    phases.end("imports: the command, numpy, pandas")
    import torch  # noqa: F401

    phases.end("imports: torch")
    import g2is.lm.tokenizer
    import g2is.pipeline.taking  # noqa: F401

    phases.end("imports: transformers, peft")

    progress = RunWriter.progress

    @contextmanager
    def timed(self: RunWriter, label: str, total: int, unit: str) -> Iterator[object]:
        phases.end("reading: examples, model's files, tokens" if label.startswith("loading") else "rest")
        with progress(self, label, total, unit) as bar:
            yield bar
        phases.end(NAMES.get(label.split()[0], label))

    with mock.patch.object(RunWriter, "progress", timed):
        add_examples(run, [Target("benchmark", examples)], reading=ReadingConfig())
    phases.end("rest")
    return phases.seconds


NAMES = {"loading": "loading the model", "gradients": "gradients", "cosines": "cosines, places, leaks"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("examples", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copytree(given.run, Path(folder) / given.run.name)
        seconds = measured(copy, given.examples)
    for name, value in seconds.items():
        print(f"{name:44}{value:6.2f}")
    print(f"{'all':44}{sum(seconds.values()):6.2f}")


if __name__ == "__main__":
    main()
