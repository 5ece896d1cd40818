"""`kill -9` of the server while it saves a walk, or writes an export, of a visitor; then the same link again."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path

from g2is.export.writing import MANIFEST
from g2is.run.run import Run
from g2is.run.selections import read_walk
from scripts.trials.pages import demo_in, fault, opened, visit, window
from tests.app.serving import READY


def trial(folder: Path, times: int = 20) -> tuple[int, list[str]]:
    """Half of the times during a save, half during an export."""
    run = demo_in(folder)
    moments, losses = random.Random(5), []
    with opened(folder) as (server, browser):
        for time in range(times):
            saves = time % 2 == 0
            page = window(browser)
            visit(page, server, *(("Walk",) if saves else ("Export",)))
            if saves:
                page.get_by_role("button", name="Save", exact=True).first.click()
                page.get_by_label("Save this walk as").fill(f"tried-{time}")
                page.get_by_role("button", name="Save", exact=True).last.click()
            else:
                page.get_by_role("button", name="Write", exact=False).first.click()
            page.wait_for_timeout(moments.uniform(0, 700))
            server.process.kill()
            server.process.wait()
            losses += [f"{time}: {one}" for one in unreadable(run)]
            server.start()
            page.reload()
            page.wait_for_selector(READY)
            if said := fault(page):
                losses.append(f"{time}: {said}")
            page.context.close()
    return times, losses


def unreadable(folder: Path) -> list[str]:
    """Saved walks that cannot be read, exports unlike their manifest, files of the run that changed."""
    run = Run.open(folder)
    found = [str(one) for one in run.check()]
    for path in sorted((folder / "selections").glob("tried-*.json")):
        try:
            read_walk(path, run)
        except Exception as error:  # whatever it is, it is a loss
            found.append(f"{path.name}: {error}")
    for path in (folder / "exports").glob("[!.]*"):
        files = json.loads((path / MANIFEST).read_text())["files"] if (path / MANIFEST).is_file() else {}
        sums = {name: hashlib.sha256((path / name).read_bytes()).hexdigest() for name in files}
        if not files or sums != files:
            found.append(f"{path.name} is not the export that its manifest tells of")
    return found
