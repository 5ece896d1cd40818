"""The parts that the screen of the walk is made of: where the instructions lie, the walk, and a window of its steps.

The browser steps on its own with these: points and walk are sent once for each, and the window again only when the
reader has moved half of it.
"""

from __future__ import annotations

import math
import sys
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
from g2is.run.texts import SPOKEN
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
        "texts": texts(run, {view.sample for view in views}),
        "examples": example_texts(run, examples),
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
        "examples": example_texts(run, examples),
    }
    return graphs_part(CHANNEL, kind, header, graphs)


def finite(value: float) -> float | None:
    """A number that JSON can hold; None for NaN."""
    return None if math.isnan(value) else round(value, 4)


Texts = dict[str, dict[str, str | int]]
"""Prompt, response and origin by row."""


def texts(run: Run, rows: Iterable[int], most: int = TEXT) -> Texts:
    """Prompt, response and origin of these instructions, each shortened where it is very long. most: characters.

    Of a text that was shortened also the characters of all, `all`.
    """
    return _texts(run.records(sorted(rows), SPOKEN), most)


def example_texts(run: Run, rows: Iterable[int], most: int = TEXT) -> Texts:
    """The same of validation examples."""
    return _texts(run.validation.iloc[sorted(rows)], most)


def _texts(records: pd.DataFrame, most: int) -> Texts:
    columns = (records[name].tolist() for name in (*SPOKEN, "source", "line"))
    found = zip(records.index, *columns, strict=True)
    return {
        str(row): _text(prompt, response, f"{source}:{line}", most)
        for row, prompt, response, source, line in found
    }


def _text(prompt: str, response: str, place: str, most: int) -> dict[str, str | int]:
    text: dict[str, str | int] = {
        "prompt": _shortened(prompt, most),
        "response": _shortened(response, most),
        "from": visible(place),
    }
    return text | ({"all": len(prompt) + len(response)} if max(len(prompt), len(response)) > most else {})


def whole_part(run: Run, walk_id: str, kind: str, row: int) -> bytes:
    """All of a long text that the reader asked for. kind: `texts` of instructions, or `examples`."""
    read = texts if kind == "texts" else example_texts
    return pack(CHANNEL, "whole", {"walk": walk_id, kind: read(run, [row], sys.maxsize)})


def _shortened(text: str, most: int) -> str:
    shown = beginning(text, most)
    more = len(text) - len(shown) + 1
    return visible(shown) + (f" ({more:,} more characters)" if shown != text else "")


def lines(run: Run, rows: Iterable[int]) -> dict[str, str]:
    """The beginning of each of these instructions on one line."""
    known = sorted(rows)
    return dict(zip(map(str, known), snippets(run.prompts(known), LINE), strict=True))


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
        header |= {"answer": answer, "texts": texts(run, [answer["sample"]])}
        example = answer.get("example")
        header["examples"] = {} if example is None else example_texts(run, [example])
    return pack(CHANNEL, "reply", header)
