"""Files of the kinds that people have: what of their turns is trained. Skipped where the files are not at hand."""

import json
from collections import Counter

import numpy as np
import pytest

from g2is.errors import InputError
from g2is.instructions import Instruction, read_instructions
from g2is.lm import notes
from g2is.lm.text import Encoder
from tests.chat_templates import tokenizer_of
from tests.tiny import byte_tokenizer

QWEN3 = "reasoning after the last question"


@pytest.fixture(scope="module")
def case(shared):
    folder = shared / "cases"
    if not folder.is_dir():
        pytest.skip("../shared/cases is not here")

    def read(name: str) -> tuple[list[Instruction], list[dict]]:
        path = folder / f"{name}.jsonl"
        records = [json.loads(line) for line in path.read_text().splitlines()]
        instructions = read_instructions([path]).instructions
        assert len(instructions) == len(records)
        return instructions, records

    return read


def trained(instructions: list[Instruction], template: str | None) -> tuple[list[list[str]], Counter]:
    """The trained pieces of every sample, and what is counted over all."""
    tokenizer = byte_tokenizer() if template is None else tokenizer_of(template)
    samples = Encoder(tokenizer, 100_000)(instructions)
    assert not any(sample.problem for sample in samples)
    pieces = []
    for sample in samples:
        borders = np.flatnonzero(np.diff(sample.trained.astype(int))) + 1
        parts = np.split(np.arange(len(sample)), borders)
        pieces.append([tokenizer.decode(sample.input_ids[p]) for p in parts if sample.trained[p[0]]])
    return pieces, Counter(note for sample in samples for note in sample.notes)


def replies(record: dict) -> list[str]:
    turns = record.get("messages") or record["conversations"]
    spoken = [turn for turn in turns if (turn.get("role") or turn.get("from")) in ("assistant", "gpt")]
    return [turn.get("content") or turn.get("value") for turn in spoken]


@pytest.mark.parametrize("name", ["pool60_system", "alpaca_history_system"])
def test_a_system_prompt_is_no_reason_to_train_the_question(case, name):
    instructions, records = case(name)
    expected = [
        [f" {answer}</s>" for answer in [*(pair[1] for pair in record.get("history", [])), record["output"]]]
        for record in records
    ]
    assert trained(instructions, "system with the last question") == (expected, Counter())


@pytest.mark.parametrize("name", ["pool60_multiturn", "plain_multiturn"])
def test_all_replies_are_trained_though_the_last_is_written_otherwise(case, name):
    instructions, records = case(name)
    pieces, counts = trained(instructions, QWEN3)
    empty = "<think>\n\n</think>\n\n"
    first_and_last = [replies(record) for record in records]
    assert pieces == [[f"{a}<|im_end|>", f"{empty}{b}<|im_end|>"] for a, b in first_and_last]
    assert not counts


def test_earlier_reasoning_that_the_template_drops_is_counted(case):
    instructions, records = case("think_multiturn")
    pieces, counts = trained(instructions, QWEN3)
    for record, (first, last) in zip(records, pieces, strict=True):
        a, b = replies(record)
        assert first == a.split("</think>\n\n")[1] + "<|im_end|>"
        assert last == b + "<|im_end|>"
    assert counts == {notes.REASONING_DROPPED: len(records)}


@pytest.mark.parametrize("name", ["reasoning_content_field", "pool60_reasoning_content"])
def test_reasoning_of_a_field_of_its_own_is_trained(case, name):
    instructions, records = case(name)
    expected = [
        (turn["reasoning_content"], turn["content"]) for record in records for turn in record["messages"][1:]
    ]
    pieces, counts = trained(instructions, QWEN3)
    assert pieces == [[f"<think>\n{thought}\n</think>\n\n{text}<|im_end|>"] for thought, text in expected]
    assert not counts
    pieces, _ = trained(instructions, None)
    assert pieces == [[f"<think>\n{thought}\n</think>\n\n{text}</s>\n"] for thought, text in expected]
    assert trained(instructions, "plain")[1] == {notes.REASONING_UNWRITTEN: len(records)}


def test_reasoning_inside_the_text_is_trained_where_it_is_written(case):
    instructions, records = case("think_in_content")
    assert trained(instructions, QWEN3)[0] == [[f"{replies(r)[0]}<|im_end|>"] for r in records]
    assert trained(instructions, "reasoning never")[1] == {notes.REASONING_UNWRITTEN: len(records)}


@pytest.mark.parametrize("name", ["pool60_tools", "tool_calls_null_content"])
def test_calls_are_structured(case, name):
    instructions, records = case(name)
    for template in ("calls as objects", "calls as text"):
        pieces, counts = trained(instructions, template)
        for record, (call, answer) in zip(records, pieces, strict=True):
            function = record["messages"][1]["tool_calls"][0]["function"]
            assert call == f"<tool_call>{function['name']} {function['arguments']}</tool_call><|im_end|>"
            assert answer == record["messages"][3]["content"] + "<|im_end|>"
        assert not counts
    for instruction, record in zip(instructions, records, strict=True):
        _, call, result, _ = instruction.messages
        assert call.content == "" and call.tool_calls[0].id == record["messages"][1]["tool_calls"][0]["id"]
        assert result.tool_call_id == record["messages"][2]["tool_call_id"]
    assert trained(instructions, "plain")[1].keys() == {notes.TOOLS_AS_TEXT, notes.CALLS_AS_TEXT}


@pytest.mark.parametrize("name", ["role_function_openai_legacy", "role_glaive_function_response"])
def test_earlier_spellings_of_calls_and_results(case, name):
    instructions, _ = case(name)
    pieces, counts = trained(instructions, "calls as objects")
    arguments = '{"a":1}' if "legacy" in name else "{}"
    for instruction, (call, answer) in zip(instructions, pieces, strict=True):
        assert [turn.role for turn in instruction.messages] == ["user", "assistant", "tool", "assistant"]
        assert json.loads(instruction.messages[1].tool_calls[0].arguments) == json.loads(arguments)
        shown = json.dumps(json.loads(arguments))
        assert call == f"<tool_call>add {shown}</tool_call><|im_end|>"
        assert answer == instruction.messages[-1].content + "<|im_end|>"
    assert not counts


@pytest.mark.parametrize("name", ["axolotl_train_false", "pool60_weight0"])
@pytest.mark.parametrize("template", ["plain", QWEN3, None])
def test_turns_marked_as_not_to_be_trained_are_not(case, name, template):
    instructions, records = case(name)
    pieces, counts = trained(instructions, template)
    for record, (piece,) in zip(records, pieces, strict=True):
        assert replies(record)[1] in piece and replies(record)[0] not in piece
    assert counts == {notes.EXCLUDED: len(records)}


def test_names_tools_that_are_none_and_template_arguments(case):
    instructions, _ = case("names_in_messages")
    assert {i.messages[0].name for i in instructions} == {"anna"}
    instructions, records = case("tools_dict")
    pieces, counts = trained(instructions, "calls as objects")
    assert pieces == [[f"{replies(record)[0]}<|im_end|>"] for record in records]
    assert counts == {notes.TOOLS_AS_TEXT: len(records)}
    instructions, records = case("trl_chat_template_kwargs")
    assert {i.template_kwargs for i in instructions} == {'{"enable_thinking": false}'}


def test_parts_that_are_no_text_are_named(shared):
    path = shared / "cases" / "vision_content_parts.jsonl"
    if not path.exists():
        pytest.skip("../shared/cases is not here")
    with pytest.raises(InputError, match=r'vision_content_parts.jsonl:1: .* expected \{"type": "text"'):
        read_instructions([path])
