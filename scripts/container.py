"""The steps of the Dockerfile without Docker: installed, started and asked for its health in a temporary folder.

    python -m scripts.container [--cache cache]

RUN, COPY, ENV, HEALTHCHECK and CMD are read from the Dockerfile and done in their order, in a new virtual environment
of this Python; /project and /runs are folders within the temporary one. Installs all that the image has.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 120
"""Seconds until the app must be well."""


def steps(text: str) -> Iterator[tuple[str, str]]:
    """Instructions of a Dockerfile with what stands after them, continued lines joined."""
    for line in text.replace("\\\n", " ").splitlines():
        if line.strip() and not line.startswith("#"):
            instruction, _, rest = line.partition(" ")
            yield instruction, rest.strip()


def command_of(rest: str) -> list[str]:
    """The words of a CMD, or of a HEALTHCHECK after its options, in their JSON form."""
    return list(json.loads(rest[rest.index("[") :]))


def copied(rest: str) -> list[tuple[Path, str]]:
    """Files and folders of the checkout that a COPY takes, and where to, relative to the working directory."""
    *sources, target = rest.split()
    return [(ROOT / source, f"{target}{source}" if target.endswith("/") else target) for source in sources]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--cache", type=Path, default=ROOT / "cache", help="folder of the runs [cache]")
    runs = parser.parse_args().cache.resolve()
    found = list(steps((ROOT / "Dockerfile").read_text()))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project = folder / "project"
        project.mkdir()
        (folder / "runs").symlink_to(runs)
        venv.create(folder / "python", with_pip=True)
        environment = {**os.environ, "PATH": f"{folder}/python/bin{os.pathsep}{os.environ['PATH']}"}
        health: list[str] = []
        start: list[str] = []
        for instruction, rest in found:
            print(instruction, rest, flush=True)
            if instruction == "COPY":
                for source, target in copied(rest):
                    copy = shutil.copytree if source.is_dir() else shutil.copy
                    copy(source, project / target)
            elif instruction == "RUN":
                subprocess.run(rest, shell=True, check=True, cwd=project, env=environment)
            elif instruction == "ENV":
                pairs = dict(pair.split("=", 1) for pair in shlex.split(rest))
                environment |= {key: re.sub("^/runs", f"{folder}/runs", text) for key, text in pairs.items()}
            elif instruction == "HEALTHCHECK":
                health = command_of(rest)
            elif instruction == "CMD":
                start = command_of(rest)
        return int(not is_well(start, health, folder, environment))


def is_well(start: list[str], health: list[str], folder: Path, environment: dict[str, str]) -> bool:
    """Whether the app, started in an empty folder, is soon well by its own check."""
    empty = folder / "elsewhere"
    empty.mkdir()
    server = subprocess.Popen(start, cwd=empty, env=environment)
    try:
        begun = time.monotonic()
        while server.poll() is None and time.monotonic() - begun < PATIENCE:
            with suppress(subprocess.CalledProcessError):
                subprocess.run(health, check=True, cwd=empty, env=environment)
                return True
            time.sleep(2)
        return False
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    sys.exit(main())
