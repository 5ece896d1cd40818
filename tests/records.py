"""Small files of records, and what is read from them."""

import json
from base64 import b64decode
from pathlib import Path

import pytest

from g2is.errors import InputError
from g2is.instructions import Instruction, read_instructions
from g2is.run.traces import trace_of
from g2is.walk import WalkTrace

GOOD = {"prompt": "2 + 2?", "completion": "4"}
USER, REPLY = {"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}


def write(folder: Path, content: bytes | str, name: str = "pool.jsonl") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def jsonl(*values: object) -> str:
    return "".join(json.dumps(value) + "\n" for value in values)


def read_one(folder: Path, record: object, **options: object) -> Instruction:
    reading = read_instructions([write(folder, jsonl(record))], **options)
    assert len(reading.instructions) == 1
    return reading.instructions[0]


def turns(instruction: Instruction) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in instruction.messages]


def complaint(*arguments: object, **options: object) -> str:
    """The InputError's text, checked to be one printable line."""
    with pytest.raises(InputError) as caught:
        read_instructions(*arguments, **options)
    assert str(caught.value).isprintable()
    return str(caught.value)


def saved_trace(path: Path) -> WalkTrace:
    """The trace in the file of a selection."""
    return trace_of(b64decode(json.loads(path.read_bytes())["trace"]), path)
