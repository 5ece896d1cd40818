"""What a turn holds survives every export that can hold it: the same conversation, the same trained tokens."""

import json

import pytest

from g2is.export import FORMATS
from g2is.instructions import Instruction, read_instructions
from g2is.lm.text import Encoder
from tests.tiny import byte_tokenizer

CALL = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a":1, "b": [2]}'}}
RECORDS = [
    {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Add 1 and 2.", "name": "anna"},
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "c1", "name": "add", "content": "3"},
            {"role": "assistant", "reasoning_content": "The tool says 3.", "content": "It is 3."},
        ],
        "tools": [{"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}],
    },
    {
        "messages": [
            {"role": "user", "content": "2?"},
            {"role": "assistant", "content": "WRONG", "weight": 0},
            {"role": "user", "content": "Again."},
            {"role": "assistant", "reasoning_content": "two", "content": "2"},
        ],
        "chat_template_kwargs": {"enable_thinking": False},
    },
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]},
]
# Reasoning in its field or inside the text, tools, structured calls.
THINKING = (
    "{% for tool in tools or [] %}{{ tool | tojson }}{% endfor %}"
    "{% for m in messages %}<{{ m.role }}>{% set content = m.content or '' %}{% if m.role == 'assistant' %}"
    "{% set thought = m.reasoning_content or '' %}{% if '</think>' in content %}"
    "{% set thought = content.split('</think>')[0].split('<think>')[-1].strip() %}"
    "{% set content = content.split('</think>')[-1].lstrip() %}{% endif %}"
    "{% if thought %}<think>{{ thought }}</think>{% endif %}{{ content }}"
    "{% for call in m.tool_calls or [] %}<call>{{ call.function.name }} {{ call.function.arguments | tojson }}</call>"
    "{% endfor %}</s>{% else %}{{ content }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


@pytest.fixture(scope="module")
def pool(tmp_path_factory) -> list[Instruction]:
    path = tmp_path_factory.mktemp("pool") / "pool.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in RECORDS))
    return read_instructions([path]).instructions


def written(pool: list[Instruction], format: str, folder) -> dict[str, bytes]:
    files = FORMATS[format].pack(FORMATS[format].records(pool))
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return files


def read_back(pool: list[Instruction], format: str, folder) -> list[Instruction]:
    names = [name for name in written(pool, format, folder) if name.startswith("train.")]
    return read_instructions([folder / names[0]]).instructions


def trained(instructions: list[Instruction]) -> list[str]:
    tokenizer = byte_tokenizer(THINKING)
    return [
        tokenizer.decode(sample.input_ids[sample.trained])
        for sample in Encoder(tokenizer, 10_000)(instructions)
    ]


@pytest.mark.parametrize("format", ["jsonl", "messages", "parquet"])
def test_nothing_of_a_turn_is_lost(pool, format, tmp_path):
    back = read_back(pool, format, tmp_path)
    assert [i.messages for i in back] == [i.messages for i in pool]
    assert [json.loads(i.tools or "[]") for i in back] == [json.loads(i.tools or "[]") for i in pool]
    assert [i.template_kwargs for i in back] == [i.template_kwargs for i in pool]
    assert trained(back) == trained(pool)


@pytest.mark.parametrize("format", ["sharegpt", "llama_factory"])
def test_sharegpt_trains_the_same_tokens(pool, format, tmp_path):
    assert trained(read_back(pool, format, tmp_path)) == trained(pool)
    assert (
        trained(pool)[0]
        == '<call>add {"a": 1, "b": [2]}</call></s><think>The tool says 3.</think>It is 3.</s>'
    )
    assert trained(pool)[1] == "<think>two</think>2</s>"


def test_trl_holds_all_but_the_marks_of_earlier_replies(pool, tmp_path):
    written(pool, "trl", tmp_path)
    records = [json.loads(line) for line in (tmp_path / "train.jsonl").read_text().splitlines()]
    call = records[0]["prompt"][2]["tool_calls"][0]
    assert call == {
        "id": "c1",
        "type": "function",
        "function": {"name": "add", "arguments": {"a": 1, "b": [2]}},
    }
    assert records[0]["completion"] == [RECORDS[0]["messages"][-1]]
    assert records[1]["prompt"][1] == RECORDS[1]["messages"][1]
    assert [record["chat_template_kwargs"] for record in records] == [{}, {"enable_thinking": False}, {}]


@pytest.mark.parametrize("format", ["messages", "trl"])
def test_folders_with_calls_load_in_datasets(pool, format, tmp_path):
    import datasets

    records = [json.loads(record) for record in FORMATS[format].records(pool[::-1])]  # calls come last
    written(pool[::-1], format, tmp_path)
    found = datasets.load_dataset(
        str(tmp_path), split="train", cache_dir=str(tmp_path / "cache"), chunksize=16
    )
    column = "messages" if format == "messages" else "completion"
    turns = [[{k: v for k, v in turn.items() if v is not None} for turn in row[column]] for row in found]
    assert turns == [record[column] for record in records]
    assert [row["chat_template_kwargs"] for row in found] == [r["chat_template_kwargs"] for r in records]


@pytest.mark.parametrize(
    ("format", "lost"),
    [
        ("jsonl", []),
        ("messages", ["Tools are JSON text", "Arguments of tool calls are JSON text"]),
        ("parquet", ["Tools are JSON text", "Arguments of tool calls are JSON text"]),
        (
            "sharegpt",
            ["Reasoning is inside", "Names of turns", "Replies that are not to be trained", "Fields beside"],
        ),
        (
            "alpaca",
            ["Alpaca holds no tool turns", "Reasoning is inside", "Tool calls are JSON", "Replies that"],
        ),
        ("csv", ["Turns before", "Reasoning is inside", "Tool calls are JSON", "Replies that"]),
        ("trl", ["Earlier replies", "Arguments of tool calls", "Tools are JSON text"]),
    ],
)
def test_what_a_format_loses_is_counted(pool, format, lost):
    notes = FORMATS[format].notes(pool)
    assert [text for text in lost if not any(note.startswith(text) for note in notes)] == []
    if format in ("jsonl", "messages", "parquet"):
        assert len(notes) == len(lost)


@pytest.mark.parametrize("given", ["NaN", "3", '"a\tb"', "null", '""'])
def test_alpaca_of_records_that_json_is_lenient_about(tmp_path, given):
    path = tmp_path / "pool.jsonl"
    path.write_text(f'{{"instruction": "Add.", "input": {given}, "output": "4"}}\n')
    pool = read_instructions([path]).instructions
    [record] = map(json.loads, FORMATS["alpaca"].records(pool))
    path.write_text(json.dumps(record))
    assert read_instructions([path]).instructions[0].messages == pool[0].messages
