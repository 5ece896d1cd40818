"""The step strip: steps through a walk in the browser, and reports to Python where the reader rests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from g2is.app.shared import snippets
from g2is.app.shared.javascript import module
from g2is.walk import ORIGINS, WalkTrace

TEXTS = 2000
"""Steps whose texts are sent at once; of a longer walk, those around the current step."""

TEXT_LENGTH = 140
"""Characters of a text on a card, at most."""

_FOLDER = Path(__file__).parent


def strip_data(trace: WalkTrace, texts: Sequence[str], step: int, order: int) -> dict[str, Any]:
    """What the browser needs to step on its own: the numbers of all steps, and up to `TEXTS` texts around `step`.

    texts: (n,) of the pool. order: a number that differs from the last one makes the strip go to `step`; otherwise it
    stays where the reader is. The window of texts moves by halves, so that most steps send nothing new.
    """
    steps = trace.steps
    start = 0
    if len(steps) > TEXTS:
        half = TEXTS // 2
        start = max(0, step // half * half - half // 2)
    shown = steps.sample[start : start + TEXTS].tolist()
    return {
        "sample": steps.sample.tolist(),
        "component": steps.component.tolist(),
        "origin": steps.origin.tolist(),
        "origins": ORIGINS,
        "alignment": [None if np.isnan(value) else f"{value:.3g}" for value in steps.after],
        "text": snippets((texts[sample] for sample in shown), TEXT_LENGTH),
        "text_from": start,
        "step": step,
        "order": order,
    }


def step_strip(data: dict[str, Any], *, key: str, on_rest: Callable[[], None]) -> None:
    """Show the strip.

    on_rest: called when the reader rests on another step, which is in `st.session_state[key].step`.
    """
    # Registered at each call: the registry belongs to the running server, which a module may outlive.
    strip = st.components.v2.component(
        "g2is_step_strip",
        html=(_FOLDER / "strip.html").read_text(),
        css=(_FOLDER / "strip.css").read_text(),
        js=module(_FOLDER / "strip.js"),
    )
    strip(key=key, data=data, on_step_change=on_rest)
