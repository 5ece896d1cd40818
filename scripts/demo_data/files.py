"""Writes the demo's files: a pool in three formats, a validation set and a test set."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random
from typing import Any

from g2is.demo import DemoFiles
from scripts.demo_data.pool import Example, make_demo
from scripts.demo_data.skills import SKILLS

Record = dict[str, Any]


def write_demo(directory: Path, seed: int = 0) -> DemoFiles:
    """Write the pool (Alpaca, chat and ShareGPT files), validation and test; same seed, same bytes.

    Records of the pool carry `id`, `task`, `kind` and, where they were made from another, `of`
    (see `scripts.demo_data.pool`); those of validation and test carry `task`.
    """
    directory.mkdir(parents=True, exist_ok=True)
    demo = make_demo(seed)
    rng = Random(f"files {seed}")
    places = {example.id: rng.choices(("alpaca", "chat", "sharegpt"), (5, 3, 2))[0] for example in demo.pool}

    def members(place: str) -> Iterator[Example]:
        for example in demo.pool:
            # Beside its original, so that a duplicate is the same to the letter, input field included.
            home = example.of if example.kind == "duplicate" and example.of is not None else example.id
            if places[home] == place:
                yield example

    files = DemoFiles.of(directory)
    alpaca, chat, sharegpt = files.train
    _write_lines(alpaca, map(_alpaca, members("alpaca")))
    _write_lines(chat, map(_chat, members("chat")))
    _write_array(sharegpt, map(_sharegpt, members("sharegpt")))
    _write_lines(files.validation, map(_question, demo.validation))
    _write_lines(files.test, map(_question, demo.test))
    return files


def plain_statements(count: int, seed: int = 0) -> Iterator[str]:
    """Statements of all skills alike, without any question: what the base model is trained on.

    Every other one has its gist, the bare answer, on a line of its own. Without it the base model never
    meets an answer at the start of a line, and a short fine-tuning would be spent on learning that.
    """
    rng = Random(f"statements {seed}")
    skills = list(SKILLS.values())
    for _ in range(count):
        fact = rng.choice(skills)(rng)
        statement = rng.choice(fact.statements)
        yield f"{statement}\n{fact.answer}" if rng.random() < 0.5 else statement


def _marks(example: Example) -> Record:
    marks: Record = {"id": example.id, "task": example.task, "kind": example.kind}
    return marks if example.of is None else {**marks, "of": example.of}


def _alpaca(example: Example) -> Record:
    text = {"instruction": example.instruction, "input": example.input, "output": example.answer}
    return {**text, **_marks(example)}


def _chat(example: Example) -> Record:
    turns = [("user", example.prompt), ("assistant", example.answer)]
    return {"messages": [{"role": role, "content": text} for role, text in turns], **_marks(example)}


def _sharegpt(example: Example) -> Record:
    turns = [("human", example.prompt), ("gpt", example.answer)]
    return {"conversations": [{"from": who, "value": text} for who, text in turns], **_marks(example)}


def _question(example: Example) -> Record:
    return {"question": example.prompt, "answer": example.answer, "task": example.task}


def _write_lines(path: Path, records: Iterable[Record]) -> None:
    _write(path, "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records))


def _write_array(path: Path, records: Iterable[Record]) -> None:
    _write(path, json.dumps(list(records), ensure_ascii=False, indent=1) + "\n")


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
