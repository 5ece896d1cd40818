import gzip
import io
import json
import os
import subprocess
import sys
import time
import tracemalloc
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from g2is.errors import InputError
from g2is.instructions import (
    Instruction,
    Message,
    Rejected,
    find_duplicates,
    formats,
    from_frame,
    read_instructions,
    to_frame,
    write_rejects,
)
from g2is.instructions import record as record_module
from g2is.instructions.containers import records

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


# --- what a record says -----------------------------------------------------------------------------------------


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
    for format in formats.FORMATS:
        assert read_one(tmp_path, record).format == format
        assert read_one(tmp_path, record, format="question_answer").response == "a"
        for field in formats._READERS[format][0]:
            record[field] = None  # as good as absent: Parquet fills columns so
        if format == "question_answer":
            break


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
    ({"prompt": "a", "completion": 4}, '"completion" is a number (4), expected text'),
    ({"prompt": "a", "completion": True}, '"completion" is a boolean (True), expected text'),
    ({"prompt": ["a\u202e\n"], "completion": "b"}, "\"prompt\" is a list (['a\\u202e\\n']), expected text"),
    ({"prompt": {"a": "b" * 999}, "completion": "b"}, '"prompt" is an object ({'),
    ({"prompt": " ", "completion": "b"}, '"prompt" is empty'),
    ({"question": " ", "answer": "b"}, '"question" is empty'),
    ({"instruction": "", "input": "", "output": "b"}, '"instruction" with "input" is empty'),
    ({"instruction": "a", "input": 3, "output": "b"}, '"input" is a number (3)'),
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
    ({"messages": [USER, REPLY, USER]}, "ends with a user turn, expected an assistant's reply"),
    (
        {"messages": [USER, REPLY, {"role": "tool", "content": "x"}]},
        "ends with a tool turn, expected an assistant's reply",
    ),
    ({"messages": ["hi"]}, "turn 1 is text ('hi'), expected an object with role and content"),
    ({"messages": [USER, {"content": "x"}]}, '"role" of turn 2 is null, expected one of system,'),
    ({"messages": [{"role": [], "content": "x"}]}, '"role" of turn 1 is a list ([])'),
    ({"messages": [{"role": "narrator", "content": "x"}]}, "\"role\" of turn 1 is text ('narrator')"),
    ({"messages": [USER, {"role": "assistant", "content": None}]}, '"content" of turn 2 (assistant) is null'),
    ({"messages": [USER, {"role": "assistant"}]}, '"content" of turn 2 (assistant) is null'),
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
    ({"conversations": [{"from": "human", "value": 1}]}, '"value" of turn 1 (human) is a number (1)'),
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
    start = time.perf_counter()
    assert "the key '59999' stands twice" in complaint([path])
    assert time.perf_counter() - start < 10


# --- files ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_lines_may_have_a_mark_any_ending_blanks_and_any_unicode(tmp_path, bom, end):
    wide = json.dumps({"prompt": "a\u2028b\u0085\x7f", "completion": "😀 שלום"}, ensure_ascii=False).encode()
    spaced = b' \t{ "completion" :"4", "prompt":"q" }  '
    # A byte order mark within the file is what joining two files leaves.
    path = write(tmp_path, bom + end.join([b"", wide, b"  ", bom + spaced, wide]))
    reading = read_instructions([path])
    assert [(i.line, i.raw) for i in reading.instructions] == [(2, wide), (4, spaced), (5, wide)]
    assert reading.instructions[0].prompt == "a\u2028b\u0085\x7f"


def test_array_elements_keep_their_slice_and_line(tmp_path):
    first = b'{\r\n "prompt": "a ] } \\" [ {", "completion": "\\\\"}'
    second = '{"completion":"é","prompt":"b"}'.encode()
    path = write(
        tmp_path, b"\xef\xbb\xbf\n [\r\n" + first + b"\n,\n\n" + second + b" , " + second + b"\n]\n\n"
    )
    reading = read_instructions([path])
    assert [(i.line, i.raw) for i in reading.instructions] == [(3, first), (7, second), (7, second)]
    assert reading.instructions[0].prompt == 'a ] } " [ {'


def test_a_bad_element_over_several_lines_takes_no_other_with_it(tmp_path):
    bad = b'{\n"prompt": "a\\\n}",\n"completion": "b"}'  # a line break after a backslash is no JSON
    good = json.dumps(GOOD).encode()
    path = write(tmp_path, b"[" + good + b",\n" + bad + b",\n" + good + b"]")
    assert complaint([path]).startswith("pool.jsonl:2: bad JSON at line 2 of the record near")
    reading = read_instructions([path], skip_bad=True)
    assert [(r.line, r.raw) for r in reading.rejected] == [(2, bad)]
    assert [i.line for i in reading.instructions] == [1, 6]


@pytest.mark.parametrize(
    ("content", "line", "what"),
    [
        ('[\nGOOD,\n{"prompt": "a', 3, """it holds '{"prompt": "a', expected whole records"""),
        ("[\nGOOD,\n[1, 2", 3, "it holds '[1, 2'"),
        ("[\nGOOD\nGOOD]", 3, """it holds '{"prompt": "2 + 2?", "completion": "4"}]'"""),
        (
            '[\nGOOD,\n{"prompt": "a, "completion": "b"},\nGOOD]',
            3,
            """it holds '{"prompt": "a, "completion""",
        ),
        ("[\nGOOD,\n]", 3, "it holds ']'"),
        ("[\n,GOOD]", 2, "it holds ',"),
        ("[\nGOOD", 2, "it holds the end of the file"),
        ("[\nGOOD,", 2, "it holds the end of the file"),
        ("[", 1, "it holds the end of the file"),
        ("[\nGOOD}", 2, "it holds '}'"),
        ("[\nGOOD]\n[GOOD]", 2, "the array ends here, but '[{"),
    ],
)
def test_an_array_that_breaks_off_stops_even_where_bad_records_are_skipped(tmp_path, content, line, what):
    path = write(tmp_path, content.replace("GOOD", json.dumps(GOOD)))
    for skip_bad in (False, True):
        text = complaint([path], skip_bad=skip_bad)
        assert text.startswith(f"pool.jsonl:{line}: the array ")
        assert what in text


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is empty, expected JSON Lines"),
        (b"\xef\xbb\xbf\n \r\n", "is empty, expected JSON Lines"),
        (b"[ ]", "holds no records"),
        (b"PK\x03\x04rest", "a zip archive"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
        (jsonl(GOOD).encode("utf-16-le"), "is UTF-16 or UTF-32 text, expected UTF-8"),
        (jsonl(GOOD).encode("utf-16-be"), "is UTF-16 or UTF-32 text, expected UTF-8"),
        (jsonl(GOOD).encode("utf-32"), "is UTF-16 or UTF-32 text, expected UTF-8"),
        (b"instruction: a\noutput: b\n", "starts with 'instruction: a\\n', expected JSON Lines"),
        (b"\0\0\0\0", "starts with '\\x00\\x00\\x00\\x00', expected"),
        (b"\x80\x04\x95 pickle", "starts with '\ufffd\\x04"),
        (b"PAR1 and no more", "is not a Parquet file that can be read"),
    ],
)
def test_other_kinds_of_files_are_refused_by_name(tmp_path, content, what):
    path = write(tmp_path, content, "odd\nname.json")
    text = complaint([path], skip_bad=True)
    assert text.startswith("odd\\nname.json: ")
    assert what in text


def test_paths_that_cannot_be_read(tmp_path):
    good = write(tmp_path, jsonl(GOOD))
    assert "missing.jsonl: cannot be read: No such file" in complaint([good, tmp_path / "missing.jsonl"])
    (tmp_path / "empty").mkdir()
    assert "is a folder without files of records, expected" in complaint([tmp_path / "empty"])
    assert f"{tmp_path}/*.csv: no file is called so" in complaint([tmp_path / "*.csv"])
    assert "cannot be read: File name too long" in complaint([tmp_path / ("a" * 999)])
    assert "cannot be read: embedded null byte" in complaint([tmp_path / "a\0b"])
    assert "no instruction files given" in complaint([])
    assert "given twice" in complaint([good, str(good)])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission(tmp_path):
    path = write(tmp_path, jsonl(GOOD))
    path.chmod(0)
    assert "cannot be read: Permission denied" in complaint([path])


def test_a_read_that_fails_midway_is_an_input_error(tmp_path, monkeypatch):
    class Torn(io.BytesIO):
        def peek(self, size: int) -> bytes:
            return self.getvalue()[:size]

        def readline(self, size: int | None = -1, /) -> bytes:
            if self.tell():
                raise OSError(5, "Input/output error")
            return super().readline(size)

    path = write(tmp_path, jsonl(GOOD, GOOD))
    monkeypatch.setattr(Path, "open", lambda *_: Torn(jsonl(GOOD, GOOD).encode()))
    assert complaint([path], skip_bad=True).endswith("pool.jsonl: cannot be read: Input/output error")


def test_files_of_one_name_are_told_apart_by_as_much_path_as_needed(tmp_path):
    paths = [
        write(tmp_path, jsonl(GOOD), name)
        for name in ("a/x/pool.json", "b/x/pool.json", "b/y/pool.json", "z.json")
    ]
    reading = read_instructions([str(path) for path in paths])
    sources = [i.source for i in reading.instructions]
    assert sources == [
        str(Path("a/x/pool.json")),
        str(Path("b/x/pool.json")),
        str(Path("y/pool.json")),
        "z.json",
    ]
    assert reading.formats == {(source, "prompt_completion"): 1 for source in sources}


def test_lines_are_streamed(tmp_path):
    path = write(tmp_path, jsonl({**GOOD, "prompt": "a" * 10_000}) * 1_000)
    tracemalloc.start()
    try:
        assert sum(1 for _ in records(path, "pool")) == 1_000
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "content",
    [
        b'[{"a": "'
        + b'\\"' * 300_000,  # no closing quote: each escaped one must not start a search of its own
        b"[" + b'{"a": 1},\n' * 100_000,  # line numbers counted from the start for each record
        b"[" * 500_000,
    ],
)
def test_hostile_arrays_are_cut_in_linear_time(tmp_path, content):
    path = write(tmp_path, content)
    start = time.perf_counter()
    with pytest.raises(InputError, match="the array breaks off"):
        list(records(path, "pool"))
    assert time.perf_counter() - start < 2


# --- Parquet ----------------------------------------------------------------------------------------------------


def parquet(folder: Path, columns: dict[str, object]) -> Path:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    path = folder / "pool.json"  # the name says nothing
    pq.write_table(pa.table(columns), path)
    return path


def test_parquet_rows_are_records(tmp_path):
    import datetime

    path = parquet(
        tmp_path,
        {
            "messages": [[USER, {**REPLY, "tool_calls": None}], None, None],
            "prompt": [None, "a\u2028", "q"],
            "completion": [None, "é", " "],
            "score": [0.5, float("nan"), float("inf")],
            "day": [datetime.date(2025, 1, 2)] * 3,
        },
    )
    reading = read_instructions([path], skip_bad=True)
    assert [(i.line, i.format) for i in reading.instructions] == [(1, "messages"), (2, "prompt_completion")]
    assert reading.instructions[1].raw.decode() == (
        '{"messages": null, "prompt": "a\u2028", "completion": "é", "score": null, "day": "2025-01-02"}'
    )
    assert [(r.line, r.reason) for r in reading.rejected] == [(3, '"completion" is empty, expected text')]
    assert b'"score": null' in reading.rejected[0].raw
    assert complaint([path]).startswith('pool.json:3: "completion" is empty')


def test_parquet_that_cannot_be_rows(tmp_path):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    path = parquet(tmp_path, {"prompt": ["a"], "completion": ["b"]})
    path.write_bytes(path.read_bytes()[:-20])
    assert "pool.json: is not a Parquet file that can be read" in complaint([path])

    pq.write_table(pa.table([["a"], ["b"]], names=["prompt", "prompt"]), path)
    assert "two columns of one name" in complaint([path])

    pq.write_table(pa.table({"prompt": pa.array([], pa.string())}), path)
    assert "holds no records" in complaint([path])

    offsets, latin1 = pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"a\xff")
    pq.write_table(pa.table({"prompt": pa.Array.from_buffers(pa.string(), 1, [None, offsets, latin1])}), path)
    assert "pool.json: holds text that is not UTF-8 after row 0" in complaint([path])


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("timestamp[ms]", 2**60),
        ("timestamp[us]", 2**62),
        ("date32", 2**31 - 1),
        ("duration[s]", 2**62),
        ("duration[ms]", 2**62),
    ],
)
def test_parquet_with_dates_that_no_calendar_has(tmp_path, kind, value):
    pa = pytest.importorskip("pyarrow")
    kind = pa.type_for_alias(kind)
    when = pa.array([value], pa.int32() if kind == pa.date32() else pa.int64()).cast(kind)
    path = parquet(tmp_path, {"prompt": ["q"], "completion": ["r"], "when": when})
    for skip_bad in (False, True):
        assert "holds a date or a duration that is out of range" in complaint([path], skip_bad=skip_bad)


# --- what was read is what was written --------------------------------------------------------------------------

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
RECORDS = st.builds(
    lambda extra, prompt, completion: {**extra, "prompt": f"p{prompt}", "completion": f"c{completion}"},
    st.dictionaries(TEXT, VALUES, max_size=3),
    TEXT,
    TEXT,
)


@st.composite
def written(draw: st.DrawFn, indents: list[object]) -> bytes:
    """One JSON value as some program may write it."""
    value = draw(RECORDS | VALUES)
    if isinstance(value, dict):
        value = dict(draw(st.permutations(list(value.items()))))
    separators = draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,\t", " :  ")]))
    indent, ascii_only = draw(st.sampled_from(indents)), draw(st.booleans())
    return json.dumps(value, indent=indent, separators=separators, ensure_ascii=ascii_only).encode()


BLANKS = st.text(" \t\r\n", max_size=3).map(str.encode)
PER_FUNCTION = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def check_nothing_is_lost(path: Path, places: list[tuple[int, bytes]]) -> None:
    reading = read_instructions([path], skip_bad=True)
    found = [(record.line, record.raw) for record in [*reading.instructions, *reading.rejected]]
    assert Counter(found) == Counter(places)
    lines = [instruction.line for instruction in reading.instructions]
    assert lines == sorted(lines)
    for instruction in reading.instructions:
        record = json.loads(instruction.raw)
        if instruction.format == "prompt_completion":
            assert turns(instruction)[-2:] == [
                ("user", record["prompt"]),
                ("assistant", record["completion"]),
            ]
    for rejected in reading.rejected:
        value = json.loads(rejected.raw)
        assert not (isinstance(value, dict) and {"prompt", "completion"} <= value.keys() and len(value) == 2)


@PER_FUNCTION
@given(
    first=st.builds(json.dumps, RECORDS).map(str.encode),
    lines=st.lists(written([None]) | st.just(b""), max_size=6),
    end=st.sampled_from([b"\n", b"\r\n"]),
)
def test_lines_come_back_byte_for_byte(tmp_path, first, lines, end):
    lines = [first, *lines]
    path = write(tmp_path, end.join(lines))
    check_nothing_is_lost(path, [(number, line) for number, line in enumerate(lines, 1) if line])


@PER_FUNCTION
@given(data=st.data(), elements=st.lists(written([None, 0, 1, "\t"]), min_size=1, max_size=6))
def test_array_elements_come_back_byte_for_byte(tmp_path, data, elements):
    content, places = data.draw(BLANKS) + b"[", []
    for number, element in enumerate(elements):
        content += b"," * (number > 0) + data.draw(BLANKS)
        places.append((1 + content.count(b"\n"), element))
        content += element + data.draw(BLANKS)
    path = write(tmp_path, content + b"]" + data.draw(BLANKS))
    check_nothing_is_lost(path, places)


@PER_FUNCTION
@given(
    content=st.binary(max_size=60)
    | st.lists(
        st.sampled_from([b"[", b"]", b"{", b"}", b'"', b"\\", b",", b":", b"\n", b"\xff", b"\0", b"PAR1"])
        | st.just(json.dumps(GOOD).encode()),
        max_size=12,
    ).map(b"".join),
    skip_bad=st.booleans(),
)
def test_any_bytes_give_a_reading_or_one_clear_line(tmp_path, content, skip_bad):
    path = write(tmp_path, content)
    try:
        reading = read_instructions([path], skip_bad=skip_bad)
    except InputError as error:
        assert str(error).isprintable()
    else:
        assert reading.instructions or reading.rejected
        for record in [*reading.instructions, *reading.rejected]:
            assert record.raw in content


# --- duplicates, rejects, the table -----------------------------------------------------------------------------


def test_duplicates_are_conversations_that_are_exactly_the_same(tmp_path):
    alike = {"question": GOOD["prompt"], "answer": GOOD["completion"], "id": 7}
    other = {**GOOD, "completion": "5"}
    path = write(tmp_path, jsonl(other, GOOD, alike, {**GOOD, "tools": "[1]"}, other, {**GOOD, "task": "t"}))
    reading = read_instructions([path])
    assert reading.duplicates == [[0, 4], [1, 2, 5]]
    assert find_duplicates(reading.instructions[1:4]) == [[0, 1]]


def test_rejects_are_written_with_all_their_bytes(tmp_path):
    rejected = [
        Rejected("a.jsonl", 3, "bad", b'caf\xe9 \xed\xa0\x80 \\ud800 "q" \x00'),
        Rejected("b\n.json", 1, "née", "שלום 😀\u2028\r\n".encode()),
    ]
    path = tmp_path / "rejects.jsonl"
    write_rejects(path, rejected)
    lines = path.read_bytes().decode("utf-8").split("\n")  # strictly UTF-8 itself
    assert lines.pop() == ""
    assert "שלום" in lines[1]
    back = [json.loads(line) for line in lines]
    assert [(r["source"], r["line"], r["reason"]) for r in back] == [
        ("a.jsonl", 3, "bad"),
        ("b\n.json", 1, "née"),
    ]
    assert [r["raw"].encode("utf-8", "surrogateescape") for r in back] == [r.raw for r in rejected]
    assert [p.name for p in tmp_path.iterdir()] == ["rejects.jsonl"]


def test_rejects_that_cannot_be_written_leave_nothing(tmp_path):
    (tmp_path / "rejects").mkdir()
    with pytest.raises(InputError, match="rejects: could not be written: Is a directory"):
        write_rejects(tmp_path / "rejects", [])
    assert [p.name for p in tmp_path.iterdir()] == ["rejects"]
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="could not be written: File exists"):
        write_rejects(tmp_path / "file" / "rejects", [])


def test_the_table_gives_the_instructions_back_also_through_parquet(tmp_path):
    pd = pytest.importorskip("pandas")
    tricky = Instruction(
        messages=(Message("system", "\0"), Message("user", "NaN"), Message("assistant", "\u2028é😀\r\n")),
        source="a.json",
        line=2**40,
        format="messages",
        raw=b'{"a":\xff\x00}',
        task="nan",
        tools="[]",
    )
    plain = Instruction((Message("user", "q"), Message("assistant", "r")), "b.json", 1, "alpaca", b"{}")
    for instructions in ([tricky, plain], [plain], []):
        frame = to_frame(instructions)
        assert from_frame(frame) == instructions
        frame.to_parquet(tmp_path / "frame.parquet")
        back = pd.read_parquet(tmp_path / "frame.parquet")
        assert from_frame(back) == instructions
        assert list(back.columns) == [
            *(
                "source",
                "line",
                "format",
                "task",
                "prompt",
                "response",
                "messages",
                "tools",
                "template_kwargs",
                "raw",
            )
        ]
    line = from_frame(to_frame([tricky]))[0].line
    assert type(line) is int
    row = to_frame([tricky, plain]).iloc[1]
    assert (row["prompt"], row["response"], row["raw"]) == ("q", "r", b"{}")
    assert json.loads(row["messages"]) == [
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": "r"},
    ]


def test_reading_needs_none_of_the_heavy_libraries(tmp_path):
    path = write(tmp_path, jsonl(GOOD))
    code = (
        "import sys; from g2is.instructions import read_instructions; read_instructions([sys.argv[1]]);"
        "print({'torch', 'streamlit', 'pandas', 'pyarrow', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


# --- real files -------------------------------------------------------------------------------------------------


def test_real_files_are_read_whole_and_fast(shared):
    paths = sorted((shared / "data" / "pool").iterdir())
    start = time.perf_counter()
    reading = read_instructions(paths, skip_bad=True)
    assert time.perf_counter() - start < 5  # takes a quarter of a second on an idle core
    assert reading.formats == {
        ("alpaca_en_demo.json", "alpaca"): 999,
        ("bbh_messages.jsonl", "messages"): 1_200,
        ("code.json", "alpaca"): 1_500,
        ("gsm8k.jsonl", "question_answer"): 600,
        ("t0.jsonl", "prompt_completion"): 7_801,
        ("toolcall_sharegpt.json", "sharegpt"): 300,
    }
    assert {(r.source, r.reason) for r in reading.rejected} == {
        ("t0.jsonl", '"completion" is empty, expected text')
    }
    assert len(reading.rejected) == 199
    with_tools = [i for i in reading.instructions if i.tools]
    assert {i.source for i in with_tools} == {"toolcall_sharegpt.json"}
    assert all(isinstance(json.loads(i.tools), list) for i in with_tools)
    contents = {path.name: path.read_bytes().split(b"\n") for path in paths}
    for instruction in reading.instructions:
        start_of_record = instruction.raw.split(b"\n")[0]
        assert start_of_record in contents[instruction.source][instruction.line - 1]
        assert json.loads(instruction.raw)
