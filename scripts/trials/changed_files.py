"""Files of a run deleted, renamed, overwritten and built anew under open pages: the server and the pages go on."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from scripts.trials.pages import ADDRESSES, demo_in, fault, opened, rerun, visit, window
from tests.app.serving import ROOT


def overwrite(path: Path) -> None:
    path.write_bytes(bytes(255 - byte for byte in path.read_bytes()))


def replace(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    other.replace(path)


CHANGES: dict[str, Callable[[Path], object]] = {
    "deleted": Path.unlink,
    "renamed": lambda path: path.rename(path.with_name("elsewhere")),
    "overwritten": overwrite,
    "replaced": replace,
}


def trial(folder: Path, times: int = 40) -> tuple[int, list[str]]:
    """One file, change and page at a time; a walk on the command line beside every fourth; then new builds."""
    cache = folder / "cache"
    run = demo_in(cache)
    kept = demo_in(folder, "kept")
    names = sorted(path.relative_to(kept) for path in kept.rglob("*") if path.is_file())
    chosen, losses = random.Random(11), []
    pages = [name for name in ADDRESSES if name != "Check_data"]
    with opened(cache) as (server, browser):
        page = window(browser)
        for time in range(times):
            place = pages[time % len(pages)]
            kind, file = chosen.choice(list(CHANGES)), chosen.choice(names)
            what = f"{file} {kind} under {place or 'Home'}"
            visit(page, server, place)
            beside = walk(cache) if time % 4 == 0 else None
            CHANGES[kind](run / file)
            rerun(page)
            losses += [f"{what}: {said}" for said in (fault(page),) if said]
            if server.process.poll() is not None:
                losses.append(f"{what}: the server ended with {server.process.returncode}")
                server.start()
            if beside is not None:
                said = beside.communicate()[0]
                if beside.returncode not in (0, 2) or "Traceback" in said:
                    losses.append(f"{what}, walk: {beside.returncode} {said[-300:]}")
            shutil.rmtree(run)
            shutil.copytree(kept, run)
            visit(page, server, place)
            losses += [f"{what}, with the file back: {said}" for said in (fault(page),) if said]
        for place in pages:
            visit(page, server, place)
            build = subprocess.Popen(
                [sys.executable, "-m", "g2is", "demo", "--run-only", "--overwrite", "--cache", str(cache)],
                cwd=ROOT,
                stdout=subprocess.DEVNULL,
            )
            while build.poll() is None:
                rerun(page)
                losses += [
                    f"{place or 'Home'} while it is built anew: {said}" for said in (fault(page),) if said
                ]
            rerun(page)
            losses += [f"{place or 'Home'} once it is built anew: {said}" for said in (fault(page),) if said]
            if times < len(pages):
                break
    return times, losses


def walk(cache: Path) -> subprocess.Popen[str]:
    """A walk on the command line, begun."""
    command = [sys.executable, "-m", "g2is", "walk", "demo", "--count", "60", "--cache", str(cache)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
