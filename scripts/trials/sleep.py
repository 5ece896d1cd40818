"""A machine that sleeps: server and build are stopped for longer than their pauses, and go on."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

from scripts.trials.pages import demo_in, fault, opened, rerun, visit, window
from scripts.trials.signals import contents
from tests.app.serving import ROOT

PAUSE = 45
"""Seconds; a page pings its server every 30."""


def trial(folder: Path, times: int = 3) -> tuple[int, list[str]]:
    """A page whose server sleeps, and a build that sleeps."""
    losses = []
    demo_in(folder / "shown")
    with opened(folder / "shown") as (server, browser):
        page = window(browser)
        visit(page, server, "Walk")
        for _ in range(times):
            asleep(server.process)
            page.keyboard.press("ArrowRight")
            rerun(page)
            losses += [said for said in (fault(page),) if said]
            if not page.locator(".row.chosen").count():
                losses.append("the page shows no step after its server slept")
    found = []
    for turn in range(2):
        cache = folder / f"built{turn}"
        command = [sys.executable, "-m", "g2is", "demo", "--run-only", "--cache", str(cache)]
        build = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
        if turn:
            time.sleep(8)
            asleep(build)
        if build.wait():
            losses.append(f"a build that slept ended with {build.returncode}")
        found.append(contents(cache / "demo"))
    if found[0] != found[1]:
        losses.append("a build that slept has other bytes")
    return times + 1, losses


def asleep(process: subprocess.Popen) -> None:
    """Stop a process for a while."""
    process.send_signal(signal.SIGSTOP)
    time.sleep(PAUSE)
    process.send_signal(signal.SIGCONT)
