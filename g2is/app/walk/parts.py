"""The parts that the screen of the walk is made of: where the instructions lie, the walk, and a window of its steps.

The browser steps on its own with these: points and walk are sent once for each, and the window again only when the
reader has moved half of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from g2is.analysis.step_graphs import DrawnGraph, draw_graph, step_graph
from g2is.analysis.steps import StepView
from g2is.app.shared import snippets, visible
from g2is.app.shared.canvas.parts import pack
from g2is.app.shared.graph.parts import graphs_part, rows_shown
from g2is.app.shared.labels import origin_meanings
from g2is.app.shared.walked import Walked
from g2is.instructions.snippet import beginning
from g2is.run.run import Run
from g2is.walk import ORIGINS, WalkTrace

CHANNEL = "walk"
TEXT = 6000
"""Characters of a text that are sent, at most."""
LINE = 160
"""Characters of a text in a list."""
FOUND = 2000
"""Places of a search that are marked on the map."""


def walk_part(walk_id: str, trace: WalkTrace, examples: Sequence[int], changed: Changed) -> bytes:
    """Every step: its instruction, where it came from, its component, the alignment after it.

    examples: the validation example that each component stands for.
    """
    steps = trace.steps
    return pack(
        CHANNEL,
        "walk",
        {
            "walk": walk_id,
            "origins": ORIGINS,
            "meanings": origin_meanings(trace.parameters),
            "directions": not trace.parameters.facet_per_example,
            "examples": list(examples),
            "pins": list(trace.parameters.pins),
            "bans": list(trace.parameters.bans),
            **changed,
        },
        sample=steps.sample.astype(np.int32),
        came_from=steps.path(),
        origin=steps.origin.astype(np.uint8),
        component=steps.component.astype(np.int32),
        alignment=steps.after.astype(np.float32),
    )


Changed = dict[str, list[int]]
"""`added` and `removed`: instructions that the last change of the settings brought in and took out."""


def window_part(run: Run, walk_id: str, start: int, views: Sequence[StepView]) -> bytes:
    """The steps from `start` on, with the texts of all instructions in them."""
    considered = {row.sample for view in views for row in view.considered} | {view.sample for view in views}
    examples = {view.example for view in views if view.example is not None}
    header = {
        "walk": walk_id,
        "start": start,
        "steps": [_step(view) for view in views],
        "texts": texts(run.instructions, {view.sample for view in views}),
        "examples": texts(run.validation, examples),
        "lines": lines(run, considered),
    }
    return pack(CHANNEL, "window", header)


def _step(view: StepView) -> dict[str, Any]:
    return {
        "example": view.example,
        "cosine": finite(view.cosine),
        "reason": view.reason,
        "rules": view.rules,
        "unlisted": view.unlisted,
        "considered": [
            {
                "sample": row.sample,
                "verdict": row.verdict,
                "why": visible(row.why),
                "cosine": finite(row.affinity),
                "previous": finite(row.cosine),
            }
            for row in view.considered
        ],
    }


def graphs_of_steps_part(run: Run, walked: Walked, walk_id: str, slot: int, steps: Sequence[int]) -> bytes:
    """The neighbourhoods of these steps. slot: numbers the parts that a browser keeps at the same time."""
    samples = walked.trace.samples
    graphs = {int(samples[step]): step_graph(run, walked.trace, step) for step in steps}
    return _graphs_part(run, walked, walk_id, f"graphs {slot}", graphs)


def graph_part(run: Run, walked: Walked, walk_id: str, sample: int) -> bytes:
    """The neighbourhood of any instruction."""
    step = np.flatnonzero(walked.trace.samples == sample)
    if step.size:
        graph = step_graph(run, walked.trace, int(step[0]))
    else:
        graph = draw_graph(run, walked.parameters.regime, sample, walked.parameters)
    return _graphs_part(run, walked, walk_id, "graph", {sample: graph})


def _graphs_part(
    run: Run, walked: Walked, walk_id: str, kind: str, graphs: dict[int, DrawnGraph | None]
) -> bytes:
    shown, examples = rows_shown(graphs, walked.examples)
    header = {
        "walk": walk_id,
        "lines": lines(run, shown),
        "examples": texts(run.validation, examples),
    }
    return graphs_part(CHANNEL, kind, header, graphs)


def finite(value: float) -> float | None:
    """A number that JSON can hold; None for NaN."""
    return None if math.isnan(value) else round(value, 4)


def texts(frame: pd.DataFrame, rows: Iterable[int], most: int = TEXT) -> dict[str, dict[str, str | int]]:
    """Prompt, response and origin of these rows, each shortened where it is very long. most: characters.

    Of a text that was shortened also the characters of all, `all`.
    """
    # By column: a row of the frame would be made as a series of its own, which takes longer than all else here.
    prompts, responses, sources, numbers = (
        frame[name].array for name in ("prompt", "response", "source", "line")
    )
    return {
        str(row): _text(prompts[row], responses[row], f"{sources[row]}:{numbers[row]}", most)
        for row in sorted(rows)
    }


def _text(prompt: str, response: str, origin: str, most: int) -> dict[str, str | int]:
    text: dict[str, str | int] = {
        "prompt": _shortened(prompt, most),
        "response": _shortened(response, most),
        "from": visible(origin),
    }
    return text | ({"all": len(prompt) + len(response)} if max(len(prompt), len(response)) > most else {})


def whole_part(run: Run, walk_id: str, kind: str, row: int) -> bytes:
    """All of a long text that the reader asked for. kind: `texts` of instructions, or `examples`."""
    frame = run.instructions if kind == "texts" else run.validation
    longest = max(len(frame["prompt"].array[row]), len(frame["response"].array[row]))
    return pack(CHANNEL, "whole", {"walk": walk_id, kind: texts(frame, [row], longest)})


def _shortened(text: str, most: int) -> str:
    shown = beginning(text, most)
    more = len(text) - len(shown) + 1
    return visible(shown) + (f" ({more:,} more characters)" if shown != text else "")


def lines(run: Run, rows: Iterable[int]) -> dict[str, str]:
    """The beginning of each of these instructions on one line."""
    known = sorted(rows)
    prompts = run.instructions["prompt"].array
    return dict(zip(map(str, known), snippets((prompts[row] for row in known), LINE), strict=True))


def reply_part(
    run: Run,
    walk_id: str,
    answer: dict[str, Any],
    found: Sequence[int],
    words: str,
    basket: Sequence[int],
    nothing: str = "",
) -> bytes:
    """What the reader asked for: why an instruction is in or not, and which instructions contain words.

    answer: empty, or `sample` and what there is to say about it. found: instructions that contain `words`. basket: the
    instructions set aside. nothing: why none is found.
    """
    header: dict[str, Any] = {
        "walk": walk_id,
        "words": words,
        "found": list(found[:FOUND]),
        "total": len(found),
        "nothing": visible(nothing),
        "basket": list(basket[:FOUND]),
    }
    header["lines"] = lines(run, header["found"][:20])
    if answer:
        header |= {"answer": answer, "texts": texts(run.instructions, [answer["sample"]])}
        example = answer.get("example")
        header["examples"] = {} if example is None else texts(run.validation, [example])
    return pack(CHANNEL, "reply", header)
