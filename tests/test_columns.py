"""--columns: which columns play which part, for all files or for one, also as templates."""

import json

import pytest

from g2is.errors import InputError
from g2is.instructions import read_instructions
from g2is.instructions.columns import parse_columns
from tests.records import GOOD, REPLY, USER, complaint, jsonl, read_one, turns, write

RECORD = {
    "q": "How far?", "opts": ["1", "2"], "gold": 2, "who": "You walk.", "why": "hm", "deep": {"list": [{"x": "y"}]},
    "dialog_turns": [USER, REPLY],
}  # fmt: skip


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ("prompt=q,response=gold", [("user", "How far?"), ("assistant", "2")]),
        (
            "response=gold,prompt=q,system=who",
            [("system", "You walk."), ("user", "How far?"), ("assistant", "2")],
        ),
        (
            "prompt={who}\\n{q}, {opts},response=gold",
            [("user", 'You walk.\nHow far?, ["1", "2"]'), ("assistant", "2")],
        ),
        ("prompt=Q: {q}=,response=deep.list.0.x", [("user", "Q: How far?="), ("assistant", "y")]),
        ("messages=dialog_turns", [("user", "hi"), ("assistant", "hello")]),
        (
            "messages=dialog_turns,system=who",
            [("system", "You walk."), ("user", "hi"), ("assistant", "hello")],
        ),
        (
            "prompt=q,response=gold,reasoning=why",
            [("user", "How far?"), ("assistant", "<think>\nhm\n</think>\n\n2")],
        ),
    ],
)
def test_columns_named_by_hand(tmp_path, columns, expected):
    instruction = read_one(tmp_path, RECORD, columns=[columns])
    assert turns(instruction) == expected
    assert instruction.format == "columns"


def test_a_part_that_is_not_named_is_looked_for(tmp_path):
    record = {"instruction": "How", "input": "far?", "output": "wrong", "gold": "right"}
    assert turns(read_one(tmp_path, record, columns=["response=gold"])) == [
        ("user", "How\nfar?"),
        ("assistant", "right"),
    ]
    assert turns(read_one(tmp_path, record, columns=["prompt=gold"])) == [
        ("user", "right"),  # what is named holds all of the question: no input beside it
        ("assistant", "wrong"),
    ]
    record = {"messages": [USER, REPLY], "persona": "You walk.", "kind": "t"}
    instruction = read_one(tmp_path, record, columns=["system=persona", "task=kind"])
    assert turns(instruction)[0] == ("system", "You walk.") and instruction.task == "t"


def test_columns_of_one_file(tmp_path):
    other = {"a": "1 + 1?", "b": "2"}
    for name in ("one.jsonl", "sub/two.jsonl"):
        write(tmp_path, jsonl(other), name)
    paths = [write(tmp_path, jsonl(GOOD), "good.jsonl"), tmp_path / "one.jsonl", tmp_path / "sub"]
    for of_two in ("sub", "two.jsonl", "t*.jsonl", str(tmp_path / "sub")):
        named = [f"{of_two}:response=b", "one.jsonl:prompt=a,response=b", f"{of_two}:prompt=a"]
        # Two mappings of one file add up.
        reading = read_instructions(paths, columns=named)
        assert [i.response for i in reading.instructions] == ["4", "2", "2"]
    assert '"a" is missing, which --columns names' in complaint(paths, columns=["prompt=a,response=b"])


def test_what_was_used_and_what_was_not(tmp_path):
    path = write(tmp_path, jsonl(RECORD))
    reading = read_instructions([path], columns=["prompt={who} {q},response=gold"])
    assert reading.files[0].unused == {"opts": 1, "why": 1, "deep": 1, "dialog_turns": 1}
    assert list(reading.files[0].shapes) == ["columns: who, q, gold"]


@pytest.mark.parametrize(
    ("columns", "what"),
    [
        ("question=q", "names no part of an instruction, expected [FILE:]PART=COLUMN"),
        ("", "names no part"),
        ("prompt=", "prompt has no column"),
        ("prompt=a,prompt=b", "prompt is given twice"),
        ("messages=a,prompt=b", "messages stands beside prompt or response"),
    ],
)
def test_mappings_that_are_none(columns, what):
    with pytest.raises(InputError) as caught:
        parse_columns([columns])
    assert what in str(caught.value) and "--columns" in str(caught.value)


def test_columns_on_the_command_line(tmp_path, capsys):
    from g2is.__main__ import main

    path = write(tmp_path, json.dumps(RECORD) + "\n")
    words = ["inspect", str(path), "--columns", "prompt={q}\\n{opts}", "--columns", "response=gold"]
    assert main(words) == 0
    assert 'How far?\n["1", "2"]' in capsys.readouterr().out
