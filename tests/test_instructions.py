"""Reading as a whole: duplicates, rejects, the table that a run keeps, real files."""

import json
import subprocess
import sys

import pytest

from g2is.errors import InputError
from g2is.instructions import (
    Instruction,
    Message,
    Rejected,
    find_duplicates,
    from_frame,
    read_instructions,
    to_frame,
    write_rejects,
)
from tests.records import GOOD, jsonl, write


def test_duplicates_are_conversations_that_are_exactly_the_same(tmp_path):
    alike = {"question": GOOD["prompt"], "answer": GOOD["completion"], "id": 7}
    other = {**GOOD, "completion": "5"}
    path = write(tmp_path, jsonl(other, GOOD, alike, {**GOOD, "tools": "[1]"}, other, {**GOOD, "task": "t"}))
    reading = read_instructions([path])
    assert reading.duplicates == [[0, 4], [1, 2, 5]]
    assert find_duplicates(reading.instructions[1:4]) == [[0, 1]]


def test_of_repeats_the_first_is_kept_also_where_all_records_stand_on_one_line(tmp_path):
    records = [{"prompt": "a", "response": "b"}] * 3 + [{"prompt": "c", "response": "d"}]
    path = tmp_path / "pool.json"
    path.write_text(json.dumps(records))
    read = read_instructions([path], dedupe=True)
    assert [one.prompt for one in read.instructions] == ["a", "c"] and read.repeats == 2
    assert {one.reason for one in read.rejected} == {"the same conversation as pool.json:1"}


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


def test_real_files_are_read_whole(shared):
    paths = sorted((shared / "data" / "pool").iterdir())
    reading = read_instructions(paths, skip_bad=True)
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
