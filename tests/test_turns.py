"""What one turn of a record holds, under the spellings that files use."""

import json

import pytest

from g2is.instructions import Instruction, Message, ToolCall, from_frame, read_instructions, to_frame

USER = {"role": "user", "content": "Add 2 and 1."}


def read(tmp_path, record: dict) -> Instruction:
    path = tmp_path / "pool.jsonl"
    path.write_text(json.dumps(record) + "\n")
    return read_instructions([path]).instructions[0]


def reply(tmp_path, **fields) -> Message:
    return read(tmp_path, {"messages": [USER, {"role": "assistant", **fields}]}).messages[-1]


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning", "thinking", "thought"])
def test_reasoning_in_a_field_of_its_own(tmp_path, field):
    message = reply(tmp_path, content="3", **{field: "two, three"})
    assert message == Message("assistant", "3", reasoning="two, three")
    assert message.text == "<think>\ntwo, three\n</think>\n\n3"
    assert reply(tmp_path, content=None, **{field: "hm"}).content == ""
    for nothing in (None, "", " ", False, 3):
        assert reply(tmp_path, content="3", **{field: nothing}).reasoning is None


def test_reasoning_as_a_part_of_the_content(tmp_path):
    text = {"type": "text", "text": "3"}
    expected = Message("assistant", "3", reasoning="hm")
    assert reply(tmp_path, content=[{"type": "thinking", "thinking": "hm"}, text]) == expected
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, text]
    assert reply(tmp_path, content=parts) == expected


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (
            {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}},
            ToolCall("f", '{"a":1}', "c1"),
        ),
        ({"function": {"name": "f", "arguments": {"a": 1, "b": None}}}, ToolCall("f", '{"a": 1}')),
        ({"name": "f", "arguments": {"a": {"b": None, "c": [None]}}}, ToolCall("f", '{"a": {"c": [null]}}')),
        ({"name": "f", "arguments": None}, ToolCall("f", "{}")),
        ({"name": "f", "parameters": {"a": "é"}, "id": 7}, ToolCall("f", '{"a": "é"}', "7")),
        ({"name": "f", "arguments": "now"}, ToolCall("f", "now")),
    ],
)
def test_tool_calls(tmp_path, call, expected):
    assert reply(tmp_path, content=None, tool_calls=[call]) == Message(
        "assistant", "", tool_calls=(expected,)
    )
    assert reply(tmp_path, content="So:", tool_calls=json.dumps([call])).tool_calls == (expected,)


def test_openai_s_earlier_functions(tmp_path):
    instruction = read(
        tmp_path,
        {
            "messages": [
                USER,
                {
                    "role": "assistant",
                    "content": None,
                    "function_call": {"name": "f", "arguments": '{"a":1}'},
                },
                {"role": "function", "name": "f", "content": "3"},
                {"role": "assistant", "content": "It is 3."},
            ],
            "functions": [{"name": "f", "parameters": {}}],
        },
    )
    assert instruction.messages[1:3] == (
        Message("assistant", "", tool_calls=(ToolCall("f", '{"a":1}'),)),
        Message("tool", "3", name="f"),
    )
    assert json.loads(instruction.tools) == [
        {"type": "function", "function": {"name": "f", "parameters": {}}}
    ]


@pytest.mark.parametrize("role", ["function_call", "function-call", "Function Call"])
def test_sharegpt_s_calls_are_calls(tmp_path, role):
    def turns(value: str) -> tuple[Message, ...]:
        record = [("human", "Add."), (role, value), ("function-response", "3"), ("gpt", "3")]
        return read(tmp_path, {"conversations": [{"from": f, "value": v} for f, v in record]}).messages

    call = ToolCall("add", '{"a": 1}')
    assert turns('{"name":"add","arguments":{"a":1}}')[1:3] == (
        Message("assistant", "", tool_calls=(call,)),
        Message("tool", "3"),
    )
    assert turns('[{"name":"add","arguments":{"a":1}}, {"name": "now"}]')[1].tool_calls == (
        call,
        ToolCall("now"),
    )
    assert turns("add(1)")[1] == Message("assistant", "add(1)")


def test_what_a_tool_answers_and_to_which_call(tmp_path):
    def answer(content: object) -> Message:
        call = {"role": "assistant", "content": "", "tool_calls": [{"id": "c1", "function": {"name": "f"}}]}
        result = {"role": "tool", "tool_call_id": "c1", "name": "f", "content": content}
        last = {"role": "assistant", "content": "3"}
        return read(tmp_path, {"messages": [USER, call, result, last]}).messages[2]

    assert answer("3") == Message("tool", "3", tool_call_id="c1", name="f")
    assert answer([{"type": "text", "text": "3"}]).content == "3"
    assert answer({"sum": 3}).content == '{"sum": 3}'
    assert answer([1, {"sum": 3}]).content == '[1, {"sum": 3}]'


@pytest.mark.parametrize(
    "mark",
    [
        *({name: False} for name in ("train", "training", "trainable", "loss")),
        *({"weight": value} for value in (0, 0.0, "0", "0.0")),
        {"train": "false"},
        {"masked": True},
        {"loss_weight": 0},
    ],
)
def test_marks_of_replies_that_are_not_to_be_trained(tmp_path, mark):
    assert not reply(tmp_path, content="3", **mark).trained


@pytest.mark.parametrize(
    "mark", [{"train": True}, {"weight": 1}, {"weight": None}, {"masked": False}, {"loss": 0.5}]
)
def test_marks_of_replies_that_are_to_be_trained(tmp_path, mark):
    assert reply(tmp_path, content="3", **mark).trained


@pytest.mark.parametrize(
    ("mark", "counted"),
    [
        ({"weight": 0.5}, True),
        ({"weight": "0.25"}, True),
        ({"loss_weight": 2}, True),
        ({"train_detail": [{"begin_offset": 0, "end_offset": 1, "train": False}]}, True),
        ({"weight": 1}, False),
        ({"weight": 1.0, "train": True}, False),
        ({"weight": 0}, False),
        ({"train_detail": []}, False),
    ],
)
def test_replies_trained_in_part_by_their_source_are_counted(tmp_path, mark, counted):
    path = tmp_path / "pool.jsonl"
    turns = [USER, {"role": "assistant", "content": "3", **mark}]
    path.write_text(json.dumps({"messages": turns}) + "\n")
    lines = read_instructions([path]).report()
    assert any("trained whole in 1 of 1 instructions" in line for line in lines) is counted


def test_template_arguments(tmp_path):
    record = {"messages": [USER, {"role": "assistant", "content": "3"}]}
    given = {"enable_thinking": False, "effort": None}
    for value in (given, json.dumps(given)):
        assert (
            read(tmp_path, {**record, "chat_template_kwargs": value}).template_kwargs
            == '{"enable_thinking": false}'
        )
    for value in (None, {}, "", {"effort": None}):
        assert read(tmp_path, {**record, "chat_template_kwargs": value}).template_kwargs is None


def test_the_table_of_a_run_keeps_all_of_a_turn(tmp_path):
    pd = pytest.importorskip("pandas")
    turns = (
        Message("user", "Add.", name="anna"),
        Message("assistant", "", reasoning="hm", tool_calls=(ToolCall("f", '{"a":1}', "c1"), ToolCall("g"))),
        Message("tool", "3", tool_call_id="c1", name="f"),
        Message("assistant", "BAD", trained=False),
        Message("user", "Again."),
        Message("assistant", "3"),
    )
    kept = Instruction(turns, "a", 1, "messages", b"{}", template_kwargs='{"enable_thinking": false}')
    plain = Instruction((Message("user", "q"), Message("assistant", "r")), "a", 2, "messages", b"{}")
    to_frame([kept, plain]).to_parquet(tmp_path / "frame.parquet")
    frame = pd.read_parquet(tmp_path / "frame.parquet")
    assert from_frame(frame) == [kept, plain]
    # A run of before: role and content alone, and no such column.
    assert from_frame(frame.drop(columns="template_kwargs").iloc[1:]) == [plain]
    assert json.loads(frame["messages"][1]) == [
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": "r"},
    ]
