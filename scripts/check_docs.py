"""Runs every command of the documentation in a temporary folder.

    python -m scripts.check_docs

Commands about one run keep the order in which a reader meets them; those about different runs go side by side, two at a
time.

The folder holds what the commands name: a small pool and validation examples out of the demo's data, gradients for
`import`, and the demo's model under the names of the models. The app is started and stopped again, a benchmark prints
its help, a build on Ray has two workers, a batch job one machine. What installs or tests the project (pip, make,
pytest) is left to the tests.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import numpy as np
import torch

from g2is.demo import MODEL, copy_demo
from tests.app.serving import free_port

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
]
PROGRAMS = {"g2is": "-m g2is", "python": "", "ray": "-m ray.scripts.scripts"}
"""Programs that commands start, as arguments of this Python."""


def commands(text: str) -> Iterator[str]:
    """The commands in the bash blocks of a document, one line each, comments included."""
    for block in re.findall(r"^```bash\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        for line in block.replace("\\\n", " ").splitlines():
            if shlex.split(line, comments=True):
                yield line.strip()


def runnable(command: str) -> str | None:
    """The command to run; None for one that only tests check."""
    words = shlex.split(command, comments=True)
    if words[:2] == ["python", "-m"] and words[2].startswith("benchmarks."):
        return f"python -m {words[2]} --help"
    if batch := re.search(r"\bray symmetric-run .*? -- (.*)", command):
        # Of the machines of a batch job there is one here.
        return f'ray symmetric-run --address "127.0.0.1:$RAY_PORT" --num-cpus 2 -- {batch[1]}'
    if words[0] != "g2is":
        return None
    return re.sub(r"--engine ray\b", "--engine ray --workers 2", command)


def chains(found: list[tuple[Path, str]]) -> list[list[tuple[Path, str]]]:
    """The commands in chains whose order matters, one a run; the longest first, since it takes longest.

    A command belongs to the run that it names first; one that names none can go at any time.
    """
    words = [shlex.split(command, comments=True) for _, command in found]
    runs = {"demo"} | {after for line in words for word, after in pairwise(line) if word == "--run"}
    known: dict[str, list[tuple[Path, str]]] = {}
    for one, line in zip(found, words, strict=True):
        known.setdefault(next((word for word in line if word in runs), one[1]), []).append(one)
    return sorted(known.values(), key=len, reverse=True)


def prepare(folder: Path) -> dict[str, str]:
    """Prepare an empty folder for the commands; returns the environment to run them in."""
    programs = folder / ".programs"
    programs.mkdir()
    for name, arguments in PROGRAMS.items():
        (programs / name).write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {arguments} "$@"\n')
        (programs / name).chmod(0o755)
    demo = copy_demo(folder / ".demo")
    pool = [with_columns(row, line) for row, line in enumerate(demo.train[0].read_text().splitlines()[:320])]
    pool, more = pool[:300], pool[300:]
    examples = demo.validation.read_text().splitlines()
    for name, lines in {
        "pool/first.jsonl": pool[:150],
        "pool/second.jsonl": pool[150:],
        "more.jsonl": more,
        "flan.jsonl": pool[:150],
        "dolly.jsonl": pool[150:],
        "gsm8k.jsonl": examples[:20],
        "bbh.jsonl": examples[20:40],
        "target/gsm8k_validation.jsonl": examples[:20],
        "gsm8k_test.jsonl": demo.test.read_text().splitlines()[:20],
    }.items():
        assert all(isinstance(json.loads(line), dict) for line in lines), name
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("\n".join(lines) + "\n")
    for name in ("meta-llama/Llama-3.1-8B", "tiny-llama"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).symlink_to(MODEL)
    random = np.random.default_rng(0)
    np.save(folder / "gradients.npy", random.standard_normal((300, 32), dtype=np.float32))
    np.save(folder / "gsm8k_gradients.npy", random.standard_normal((20, 32), dtype=np.float32))
    for step in (105, 211):
        for name, rows in (("flan", 150), ("dolly", 150), ("mmlu", 20)):
            less = folder / "grads" / f"{name}-ckpt{step}-{'sgd' if name == 'mmlu' else 'adam'}" / "dim32"
            less.mkdir(parents=True)
            torch.save(
                torch.from_numpy(random.standard_normal((rows, 32), dtype=np.float32)), less / "all_orig.pt"
            )
    paths = {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    ray = {"RAY_PORT": str(free_port()), "RAY_USAGE_STATS_ENABLED": "0"}
    return {**os.environ, **paths, **ray, "HF_HUB_OFFLINE": "1", "HOME": str(folder)}


def with_columns(row: int, line: str) -> str:
    """A record with the columns that the examples name."""
    record = json.loads(line)
    columns = {
        "source": ("flan", "cot")[row % 2],
        "difficulty": 1 + row % 6,
        "license": ("mit", "unknown")[row % 5 == 0],
    }
    return json.dumps({**record, **columns})


def run(command: str, folder: Path, environment: dict[str, str]) -> tuple[int, str]:
    """Exit code and output."""
    if shlex.split(command, comments=True)[:2] == ["g2is", "app"]:
        return serve(command, folder, environment)
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.returncode, done.stdout


def serve(command: str, folder: Path, environment: dict[str, str]) -> tuple[int, str]:
    """Start the app, wait until it answers, and stop it."""
    port = free_port()
    words = [*shlex.split(command, comments=True), "--port", str(port)]
    words += [] if "--no-browser" in words else ["--no-browser"]
    path = urlsplit(words[words.index("--url") + 1]).path if "--url" in words else ""
    with (folder / ".app.log").open("w+") as log:
        server = subprocess.Popen(words, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT)
        answers = False
        while not answers and server.poll() is None:
            with suppress(OSError):
                urlopen(f"http://localhost:{port}{path}/_stcore/health").close()
                answers = True
            time.sleep(0.2)
        server.terminate()
        server.wait()
        return int(not answers), (folder / ".app.log").read_text()


def check(path: Path, command: str, folder: Path, environment: dict[str, str]) -> bool:
    """Run one command and print how it went."""
    start = time.monotonic()
    code, output = run(command, folder, environment)
    state = "FAILED" if code else "ok"
    line = f"{state:6} {time.monotonic() - start:5.0f} s  {path.relative_to(ROOT)}: {command}"
    print(line if code == 0 else f"{line}\n{output[-3000:]}", flush=True)
    return code == 0


def main() -> int:
    start = time.monotonic()
    found: dict[str, Path] = {}
    for path in DOCUMENTS:
        for command in filter(None, map(runnable, commands(path.read_text()))):
            found.setdefault(command, path)
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(2) as pool:
        folder = Path(name)
        environment = prepare(folder)

        def follow(chain: list[tuple[Path, str]]) -> list[bool]:
            return [check(path, command, folder, environment) for path, command in chain]

        listed = chains([(path, command) for command, path in found.items()])
        results = [passed for chain in pool.map(follow, listed) for passed in chain]
    failed = results.count(False)
    print(f"{len(results)} commands in {time.monotonic() - start:.0f} s, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
