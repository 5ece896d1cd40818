"""The examples of a target as a file that every command here reads as validation examples."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from g2is.export.messages import messages
from g2is.instructions import Instruction, from_frame
from g2is.run.run import Run
from g2is.storage.files import write_bytes


def write_examples(path: Path, run: Run, target: str, *, new: bool = False) -> int:
    """Write the examples of a target, whole or not at all; returns how many. new: as in `write_file`."""
    examples = examples_in(run, target)
    write_bytes(path, examples_file(examples), new=new)
    return len(examples)


def examples_in(run: Run, target: str) -> list[Instruction]:
    """The examples of a target, in its order."""
    return from_frame(run.validation[run.validation["target"] == target])


def examples_file(examples: Sequence[Instruction]) -> bytes:
    """JSON Lines of OpenAI messages, with the subtask of those that have one."""
    records = [
        {**json.loads(record), **({"task": example.task} if example.task else {})}
        for record, example in zip(messages(examples), examples, strict=True)
    ]
    return "".join(f"{json.dumps(record, ensure_ascii=True)}\n" for record in records).encode()
