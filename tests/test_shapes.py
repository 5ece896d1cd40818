"""What a record holds: shapes, irregular conversations, and broken records named in one line."""

import json

import pytest

from g2is.instructions import ASKED, read_instructions
from g2is.instructions import record as record_module
from tests.records import GOOD, REPLY, USER, complaint, jsonl, read_one, turns, write


@pytest.mark.parametrize(
    ("record", "format", "expected"),
    [
        ({"instruction": "a", "output": "z"}, "alpaca", [("user", "a"), ("assistant", "z")]),
        (
            {"instruction": "a", "input": "", "output": "z", "response": "other"},
            "alpaca",
            [("user", "a"), ("assistant", "z")],
        ),
        ({"instruction": "", "input": "b", "output": "z"}, "alpaca", [("user", "b"), ("assistant", "z")]),
        (
            {
                "instruction": "a",
                "input": "b",
                "output": "z",
                "system": "s",
                "history": [["q1", "r1"], ["q2", "r2"]],
            },
            "alpaca",
            [
                ("system", "s"),
                ("user", "q1"),
                ("assistant", "r1"),
                ("user", "q2"),
                ("assistant", "r2"),
                ("user", "a\nb"),
                ("assistant", "z"),
            ],
        ),
        (
            {"instruction": "a", "input": None, "output": "z", "system": None, "history": None},
            "alpaca",
            [("user", "a"), ("assistant", "z")],
        ),
        ({"prompt": "a", "completion": " z\n"}, "prompt_completion", [("user", "a"), ("assistant", " z\n")]),
        ({"question": "a", "answer": "z"}, "question_answer", [("user", "a"), ("assistant", "z")]),
        ({"messages": [USER, REPLY]}, "messages", [("user", "hi"), ("assistant", "hello")]),
        (
            {"messages": [{"role": "developer", "content": "d"}, USER, REPLY], "system": "loses"},
            "messages",
            [("system", "d"), ("user", "hi"), ("assistant", "hello")],
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
                    },
                    REPLY,
                ]
            },
            "messages",
            [("user", "a\nb"), ("assistant", "hello")],
        ),
        (
            {
                "messages": [
                    USER,
                    {
                        "role": "assistant",
                        "content": None,
                        "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": '{"é": 1}'}}],
                    },
                    {"role": "tool", "content": ""},
                    {"role": "assistant", "content": "done", "tool_calls": [{"name": "g"}]},
                ]
            },
            "messages",
            [
                ("user", "hi"),
                ("assistant", '{"name": "f", "arguments": {"é": 1}}'),
                ("tool", ""),
                ("assistant", 'done\n{"name": "g", "arguments": {}}'),
            ],
        ),
        (
            {
                "conversations": [
                    {"from": "system", "value": " "},
                    {"from": "gpt", "value": "greeting"},
                    {"from": "human", "value": "q"},
                    {"from": "function_call", "value": "{}"},
                    {"from": "observation", "value": "o"},
                    {"from": "chatgpt", "value": "z"},
                ],
                "system": "s",
            },
            "sharegpt",
            [
                ("system", "s"),
                ("assistant", "greeting"),
                ("user", "q"),
                ("assistant", "{}"),
                ("tool", "o"),
                ("assistant", "z"),
            ],
        ),
        ({"conversations": [USER, REPLY]}, "sharegpt", [("user", "hi"), ("assistant", "hello")]),
    ],
)
def test_each_format_is_recognised_by_its_fields(tmp_path, record, format, expected):
    instruction = read_one(tmp_path, record)
    assert instruction.format == format
    assert turns(instruction) == expected
    assert read_one(tmp_path, record, format=format) == instruction


def test_several_formats_at_once_are_taken_in_the_documented_order(tmp_path):
    record = {
        "messages": [USER, REPLY],
        "conversations": [{"from": "user", "value": "c"}, {"from": "gpt", "value": "c"}],
        "instruction": "i",
        "output": "o",
        **GOOD,
        "question": "q",
        "answer": "a",
    }
    names = {"messages": ["messages"], "sharegpt": ["conversations"], "alpaca": ["instruction", "output"]}
    names |= {"prompt_completion": ["prompt", "completion"], "question_answer": ["question", "answer"]}
    assert list(names) == list(ASKED[:5])
    for format, fields in names.items():
        assert read_one(tmp_path, record).format == format
        assert read_one(tmp_path, record, format="question_answer").response == "a"
        if format == "question_answer":
            break
        for field in fields:
            record[field] = None  # as good as absent: Parquet fills columns so


def test_a_forced_format_holds_for_every_record(tmp_path):
    path = write(tmp_path, jsonl({"question": "q", "answer": "a", **GOOD}, GOOD))
    assert complaint([path], format="question_answer").startswith('pool.jsonl:2: "question" is missing')
    assert "expected auto or one of messages, sharegpt, alpaca" in complaint([path], format="csv")


@pytest.mark.parametrize(
    ("tools", "expected"),
    [
        ('[{"name":  "f"}]', '[{"name":  "f"}]'),
        ([{"name": "é"}], '[{"name": "é"}]'),
        ({"name": "f"}, '{"name": "f"}'),
        ([], None),
        ("[]", None),
        (" ", None),
        (None, None),
    ],
)
def test_tools_are_json_text(tmp_path, tools, expected):
    assert read_one(tmp_path, {**GOOD, "tools": tools}).tools == expected


@pytest.mark.parametrize(("task", "expected"), [("bbh", "bbh"), ("", None), (3, None), ({"a": 1}, None)])
def test_task_is_kept_where_it_is_text(tmp_path, task, expected):
    assert read_one(tmp_path, {**GOOD, "task": task}).task == expected


def test_prompt_is_plain_for_one_turn_and_marked_for_several(tmp_path):
    assert read_one(tmp_path, GOOD).prompt == "2 + 2?"
    longer = read_one(tmp_path, {**GOOD, "system": "Be brief."})
    assert longer.prompt == "[system]\nBe brief.\n\n[user]\n2 + 2?"
    assert longer.response == "4"


def nested(depth: int) -> str:
    return '{"prompt": "a", "completion": "b", "x": ' + "[" * depth + "]" * depth + "}"


BROKEN = [
    ("{'prompt': 1}", "bad JSON at column 2"),
    ('{"prompt": "a" "completion": "b"}', "(Expecting ',' delimiter), expected one whole JSON object"),
    ('{"prompt": "a", "completion": "b"} {}', "bad JSON at column 36"),
    ('{"prompt": "a\x00", "completion": "b"}', "Invalid control character"),
    ('{"prompt": "a", "completion": "b", "completion": "c"}', "the key 'completion' stands twice"),
    (b'{"prompt": "caf\xe9", "completion": "b"}', "invalid UTF-8 at byte 16 (0xe9)"),
    ('{"prompt": "a", "completion": "b\\ud800"}', "\"completion\" holds '\\ud800', half a surrogate pair"),
    (nested(100_000), "nested too deeply"),
    ('{"prompt": "a", "completion": "b", "x": ' + "9" * 5_000 + "}", "a number of thousands of digits"),
    ("[1, 2]", "the record is a list ([1, 2]), expected an object"),
    ("null", "the record is null, expected an object"),
    ('"text"', "the record is text ('text'), expected an object"),
    ({}, "no format known for the fields []"),
    ({"text": "a"}, "no format known for the fields ['text'], expected one of messages, conversations, inst"),
    ({"prompt": "a"}, "\"completion\" is missing, expected it beside the fields ['prompt']"),
    ({"output": "a"}, '"instruction" is missing'),
    ({"prompt": "a", "completion": None}, '"completion" is null, expected text'),
    ({"prompt": "a", "completion": ""}, '"completion" is empty, expected text'),
    ({"prompt": "a", "completion": " \n\u3000"}, '"completion" is empty, expected text'),
    ({"prompt": ["a\u202e\n"], "completion": "b"}, "\"prompt\" is a list (['a\\u202e\\n']), expected text"),
    ({"prompt": {"a": "b" * 999}, "completion": "b"}, '"prompt" is an object ({'),
    ({"prompt": " ", "completion": "b"}, '"prompt" is empty'),
    ({"question": " ", "answer": "b"}, '"question" is empty'),
    ({"instruction": "", "input": "", "output": "b"}, '"instruction" is empty'),
    ({"instruction": "a", "output": "b", "history": "c"}, "\"history\" is text ('c'), expected a list of"),
    ({"instruction": "a", "output": "b", "history": [["c"]]}, 'item 1 of "history" is a list'),
    (
        {"instruction": "a", "output": "b", "history": [["c", ""]]},
        'the response of item 1 of "history" is empty',
    ),
    (
        {"instruction": "a", "output": "b", "history": [["", "c"]]},
        'the prompt of item 1 of "history" is empty',
    ),
    ({**GOOD, "system": 1}, '"system" is a number (1), expected text'),
    ({**GOOD, "tools": 1}, '"tools" is a number (1), expected a list of tools'),
    ({**GOOD, "tools": "\ud800"}, '"tools" holds'),
    ({**GOOD, "task": "\ud800"}, '"task" holds'),
    ({"messages": "hi"}, "\"messages\" is text ('hi'), expected a list of turns"),
    ({"messages": []}, "no user turn"),
    ({"messages": [REPLY]}, "no user turn"),
    ({"messages": [USER]}, "no assistant turn, expected a reply"),
    ({"messages": [USER, "hi"]}, "turn 2 is text ('hi'), expected an object with role and content"),
    ({"messages": [USER, {"content": "x"}]}, '"role" of turn 2 is null, expected one of system,'),
    ({"messages": [{"role": [], "content": "x"}]}, '"role" of turn 1 is a list ([])'),
    ({"messages": [{"role": "narrator", "content": "x"}]}, "\"role\" of turn 1 is text ('narrator')"),
    (
        {"messages": [USER, {"role": "assistant", "content": None}]},
        "every reply is empty, expected one with text",
    ),
    ({"messages": [USER, {"role": "assistant"}]}, "every reply is empty, expected one with text"),
    ({"messages": [{"role": "user", "content": ""}, REPLY]}, '"content" of turn 1 (user) is empty'),
    ({"messages": [{"role": "tool", "content": None}, USER, REPLY]}, '"content" of turn 1 (tool) is null'),
    (
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": "x"}]}, REPLY]},
        "has a part an object ({'image_url': 'x', 'type': 'image_url'}), expected {\"type\": \"text\"",
    ),
    ({"messages": [{"role": "user", "content": [{"type": "text"}]}, REPLY]}, "a text part of"),
    (
        {"messages": [USER, {"role": "assistant", "content": None, "tool_calls": "f"}]},
        '"tool_calls" beside "content" of turn 2 (assistant) is text (\'f\'), expected a list of objects',
    ),
    (
        {"messages": [USER, {"role": "assistant", "tool_calls": [{"function": "\ud800"}]}]},
        '"tool_calls" beside "content" of turn 2 (assistant) holds',
    ),
    ({"conversations": [{"from": "human", "value": {}}]}, '"value" of turn 1 (human) is an object ({})'),
    (
        {"conversations": [{"from": "him", "value": "a"}]},
        "\"from\" of turn 1 is text ('him'), expected one of",
    ),
]


@pytest.mark.parametrize(("record", "what"), BROKEN)
@pytest.mark.parametrize("kind", ["lines", "array"])
def test_a_broken_record_is_named_by_its_line_or_set_aside(tmp_path, record, what, kind):
    raw = record if isinstance(record, bytes) else record if isinstance(record, str) else json.dumps(record)
    raw = raw if isinstance(raw, bytes) else raw.encode()
    good = json.dumps(GOOD).encode()
    if kind == "lines":
        path = write(tmp_path, b"\n".join([good, b"", raw, good]))
    elif raw.endswith(b"} {}"):
        pytest.skip("two records without a comma: breaks the array")
    else:
        path = write(tmp_path, b"[" + good + b",\n\n" + raw + b",\n" + good + b"]")

    text = complaint([path])
    assert text.startswith("pool.jsonl:3: ")
    assert what in text
    assert "expected" in text
    assert len(text) < 400

    reading = read_instructions([path], skip_bad=True)
    assert [(i.line, i.raw) for i in reading.instructions] == [(1, good), (4, good)]
    assert [(r.source, r.line, r.raw) for r in reading.rejected] == [("pool.jsonl", 3, raw)]
    assert what in reading.rejected[0].reason


def test_a_record_too_long_to_parse_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(record_module, "LONGEST", 2**20)
    path = write(tmp_path, jsonl(GOOD, "a" * 2**20))
    assert "pool.jsonl:2: is longer than 1 MiB, expected an instruction" in complaint([path])
    assert len(read_instructions([path], skip_bad=True).rejected) == 1


def test_one_key_of_very_many_that_stands_twice_is_found(tmp_path):
    keys = [*range(60_000), 59_999]  # counting each of them would take a minute
    path = write(tmp_path, "{" + ",".join(f'"{key}": 1' for key in keys) + "}")
    assert "the key '59999' stands twice" in complaint([path])
