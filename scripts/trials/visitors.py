"""Ten windows at once, each on its own way through the pages: no error, and each sees its own settings."""

from __future__ import annotations

import random
from pathlib import Path

from scripts.trials.pages import ADDRESSES, demo_in, fault, opened, visit, window
from tests.app.serving import READY

WINDOWS = 10


def trial(folder: Path, times: int = 10) -> tuple[int, list[str]]:
    """`times` rounds; in a round each window opens a page, and all are opened before the first is waited for."""
    demo_in(folder)
    chosen, losses = random.Random(17), []
    with opened(folder) as (server, browser):
        windows = [window(browser) for _ in range(WINDOWS)]
        for turn in range(times):
            asked = {}
            for number, page in enumerate(windows):
                place = chosen.choice(list(ADDRESSES))
                count = 20 + 10 * number + turn
                asked[number] = (place, count)
                page.goto(
                    f"{server.url}/{place}?run=demo&preset=recommended&count={count}&focus={number}",
                    wait_until="commit",
                )
            for number, page in enumerate(windows):
                place, count = asked[number]
                page.wait_for_selector(READY)
                if said := fault(page):
                    losses.append(f"window {number} on {place or 'Home'}: {said}")
                if place == "Walk" and f"{count} of {count}" not in page.locator("body").inner_text():
                    losses.append(f"window {number} asked for {count} steps and saw others")
        visit(windows[0], server, "")
    return times * WINDOWS, losses
