"""Adding to a finished run, or taking from it: one process at a time, in the present format."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from g2is.engine.lock import exclusive
from g2is.errors import InputError
from g2is.pipeline.upgrade import upgraded
from g2is.pipeline.writer import RunWriter
from g2is.run.manifest import Manifest
from g2is.storage.gate import ask


@contextmanager
def changing(folder: Path, say: Callable[[str], None]) -> Iterator[RunWriter]:
    """The writer of a finished run, in the present format.

    Raises `InputError` where the run is not finished, is damaged where an upgrade needs it, or is being written.
    """
    ask(folder)
    Manifest.read(folder)
    with exclusive(folder):
        manifest = Manifest.read(folder)
        if not manifest.complete:
            raise InputError(f"{folder}: this run is not finished; {manifest.remedy(folder)}")
        writer = RunWriter(folder, say)
        try:
            writer.start(manifest)
            writer.manifest = upgraded(folder, manifest, say)
            yield writer
        finally:
            writer.close()
