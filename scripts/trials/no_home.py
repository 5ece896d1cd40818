"""A home where nothing can be written: app and commands do without."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

from scripts.trials.pages import ADDRESSES, demo_in, fault, visit, window
from tests.app.serving import ROOT, Server, chromium

HOME = "/proc"
"""Nothing can be written there, by anybody."""
COMMANDS = ("walk demo --count 9", "verify demo", "demo --run-only --run another", "app --help")


def trial(folder: Path, times: int = 1) -> tuple[int, list[str]]:
    """Every page, and commands that compile, cache or configure something."""
    demo_in(folder)
    losses = []
    with patch.dict(os.environ, HOME=HOME):
        for words in COMMANDS * times:
            command = [sys.executable, "-m", "g2is", *words.split(), "--cache", str(folder)]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
            if done.returncode:
                losses.append(f"{words}: {done.stderr[-600:]}")
        server = Server(folder)
    try:
        with chromium() as browser:  # which needs a home
            page = window(browser)
            for name in ADDRESSES:
                visit(page, server, name)
                losses += [f"{name}: {said}" for said in (fault(page),) if said]
    finally:
        server.stop()
    return times * (len(COMMANDS) + len(ADDRESSES)), losses
