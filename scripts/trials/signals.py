"""SIGINT and SIGTERM to every command that works on a run, at random moments; then the same command to its end."""

from __future__ import annotations

import hashlib
import random
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

from g2is.errors import InputError
from g2is.run.run import Run
from scripts.check_docs import prepare

BUILD = "build --run small --model tiny-llama --train pool/first.jsonl pool/second.jsonl --validation gsm8k=gsm8k.jsonl"
COMMANDS = (
    "plan --model tiny-llama --train pool/first.jsonl --validation gsm8k=gsm8k.jsonl",
    "inspect pool/first.jsonl",
    BUILD.replace("--run small", "--run other"),
    "import --run imported --train pool/first.jsonl pool/second.jsonl --train-gradients gradients.npy "
    "--validation-gradients gsm8k=gsm8k_gradients.npy",
    "whiten small",
    "upgrade small",
    "extend small --train more.jsonl",
    "target add small bbh=bbh.jsonl",
    "target compute small bbh=bbh.jsonl --output bbh.g2is",
    "target from small alike --rows 0-9",
    "walk small --count 9",
    "select small --method less --count 9",
    "explain small --selection first.json --sample 5",
    "set make small mine --rows 0-9",
    "set delete small kept",
    "scores small --output scores.parquet",
    "gradients small --format less --output stored",
    "export small --selection first.json --output exported",
    "evaluate small --selection first.json --test gsm8k=gsm8k_test.jsonl --seeds 1 --name tried",
    "verify small",
    "graph small --output graph.graphml",
)

DONE = (
    "exist",
    "there is one",
    "there is none",
    "already",
    "holds an earlier",
    "none of that name",
    "has no ",
    "has none",
)
"""What is said where the first try was done before the signal came."""


def trial(folder: Path, times: int = 2) -> tuple[int, list[str]]:
    """Each command is signalled at `times` moments with each signal."""
    base = folder / "base"
    base.mkdir()
    environment = prepare(base)

    def start(words: str, where: Path) -> subprocess.Popen[str]:
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.Popen(["g2is", *words.split()], cwd=where, env=environment, **pipes)  # type: ignore[call-overload, no-any-return]

    for words in (BUILD, "walk small --count 9 --output first.json", "set make small kept --rows 20-29"):
        process = start(words, base)
        said = process.communicate()[0]
        assert process.returncode == 0, said
    moments, losses, count = random.Random(3), [], 0
    for words in COMMANDS:
        whole = folder / "whole"
        shutil.copytree(base, whole, symlinks=True)
        begun = time.monotonic()
        process = start(words, whole)
        said = process.communicate()[0]
        seconds = time.monotonic() - begun
        if process.returncode:
            losses.append(f"{words}: {said[-300:]}")
        expected = contents(whole)
        shutil.rmtree(whole)
        for number in (signal.SIGINT, signal.SIGTERM) * times:
            count += 1
            where = folder / "trial"
            shutil.copytree(base, where, symlinks=True)
            process = start(words, where)
            time.sleep(moments.uniform(0.1, seconds))
            process.send_signal(number)
            said = process.communicate()[0]
            found = faults(where, number, process.returncode, said)
            again = start(words, where)
            said = again.communicate()[0]
            if again.returncode and not (again.returncode == 2 and any(done in said for done in DONE)):
                found.append(f"then: {again.returncode} {said[-300:]}")
            found += differences(expected, contents(where))
            losses += [f"{words}, {number.name}: {one}" for one in found]
            shutil.rmtree(where)
        print(f"  {words}: {seconds:.1f} s", flush=True)
    return count, losses


def faults(where: Path, number: signal.Signals, code: int, said: str) -> list[str]:
    """What is wrong after the signal: the exit code, a traceback, a run that does not open whole."""
    found = []
    if code not in {signal.SIGINT: (0, 130), signal.SIGTERM: (0, -15, 143)}[number]:
        found.append(f"exit code {code}")
    if "Traceback" in said:
        found.append(said[-600:])
    for manifest in where.glob("cache/*/manifest.json"):
        try:
            found += [str(one) for one in Run.open(manifest.parent).check()]
        except InputError as error:
            if manifest.parent.name == "small":
                found.append(str(error))
    return found


def contents(where: Path) -> dict[str, str]:
    """Checksums of all files of numbers and tables; of others, which hold times, only the names."""
    files = [path for path in where.rglob("*") if path.is_file() and not path.is_symlink()]
    # What is deleted lies in folders with names by chance.
    names = {
        re.sub("trash/set-[0-9a-f]+", "trash/set", path.relative_to(where).as_posix()): path for path in files
    }
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        if path.suffix in {".npy", ".arrow", ".safetensors", ".pt"}
        else ""
        for name, path in names.items()
        if not path.name.startswith(".") and "pycache" not in name
    }


def differences(expected: dict[str, str], found: dict[str, str]) -> list[str]:
    """Files that are missing, left over or other than without a signal."""
    names = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    kinds = [
        "missing" if name not in found else "left over" if name not in expected else "other" for name in names
    ]
    return [f"{name} is {kind}" for name, kind in zip(names, kinds, strict=True)]
