"""Records as well-known data sets hold them, in own words: each gives the right conversation."""

import json

import pytest

from g2is.instructions import Message, ToolCall, read_instructions
from tests.records import GOOD, complaint, jsonl, read_one, turns, write


def said(role: str, content: str) -> dict:
    return {"role": role, "content": content}


ASKED = [("user", "How far?"), ("assistant", "Two miles.")]
SEVERAL = [("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d")]
TREE = {
    "message_tree_id": "1",
    "prompt": {
        "text": "How far?",
        "role": "prompter",
        "replies": [
            {"text": "No idea.", "role": "assistant", "rank": 1, "replies": []},
            {
                "text": "Two miles.",
                "role": "assistant",
                "rank": 0,
                "replies": [{"text": "Thanks", "role": "prompter"}],
            },
            {"text": "Spam.", "role": "assistant", "rank": -1, "deleted": True, "replies": []},
        ],
    },
}

RECORDS = {
    "Dolly": (
        {
            "instruction": "How far?",
            "context": "It is two miles.",
            "response": "Two miles.",
            "category": "qa",
        },
        [("user", "How far?\nIt is two miles."), ASKED[1]],
    ),
    "Magpie": ({"instruction": "How far?", "response": "Two miles.", "difficulty": "easy"}, ASKED),
    "FLAN": ({"inputs": "How far?", "targets": "Two miles.", "task": "t"}, ASKED),
    "P3": (
        {
            **{"inputs": [4, 5], "inputs_pretokenized": "How far?"},
            **{"targets": [6], "targets_pretokenized": "Two miles."},
        },
        ASKED,
    ),
    "Natural Instructions": (
        {"definition": "Answer.", "inputs": "How far?", "targets": "Two miles."},
        [("user", "Answer.\n\nHow far?"), ASKED[1]],
    ),
    "MetaMath": ({"query": "How far?", "original_question": "Far?", "response": "Two miles."}, ASKED),
    "Orca": (
        {"system_prompt": "Be brief.", "question": "How far?", "response": "Two miles."},
        [("system", "Be brief."), *ASKED],
    ),
    "OpenMath": (
        {"problem": "How far?", "generated_solution": "Two miles.", "expected_answer": "2", "answer": "2"},
        ASKED,
    ),
    "MATH": ({"problem": "How far?", "level": "1", "type": "x", "solution": "Two miles."}, ASKED),
    "LIMO": ({"question": "How far?", "solution": "Two miles.", "answer": "2"}, ASKED),
    "NuminaMath": (
        {
            "problem": "other",
            "solution": "x",
            "messages": [said("user", "How far?"), said("assistant", "Two miles.")],
        },
        ASKED,
    ),
    "SQuAD": (
        {
            "context": "It is two miles.",
            "question": "How far?",
            "answers": {"text": ["Two miles.", "2"], "answer_start": [6, 6]},
        },
        [("user", "It is two miles.\n\nHow far?"), ASKED[1]],
    ),
    "RACE": (
        {"article": "It is far.", "question": "How far?", "options": ["near", "far"], "answer": "B"},
        [("user", "It is far.\n\nHow far?\nA. near\nB. far"), ("assistant", "B")],
    ),
    "MMLU-Pro": (
        {
            "question": "How far?",
            "options": ["1", "2", "3"],
            "answer": "B",
            "answer_index": 1,
            "category": "x",
        },
        [("user", "How far?\nA. 1\nB. 2\nC. 3"), ("assistant", "B")],
    ),
    "MMLU": (
        {"question": "How far?", "choices": ["1", "2", "3", "4"], "answer": 0},
        [("user", "How far?\nA. 1\nB. 2\nC. 3\nD. 4"), ("assistant", "A")],
    ),
    "ARC": (
        {"question": "How far?", "choices": {"text": ["1", "2"], "label": ["1", "2"]}, "answerKey": "2"},
        [("user", "How far?\n1. 1\n2. 2"), ("assistant", "2")],
    ),
    "AQuA": (
        {"question": "How far?", "options": ["A)1", "B)2"], "answer": "B"},
        [("user", "How far?\nA)1\nB)2"), ("assistant", "B")],
    ),
    "LMSYS": (
        {"conversation": [said("user", "How far?"), said("assistant", "Two miles.")], "language": "English"},
        ASKED,
    ),
    "UltraChat": ({"id": "0", "data": ["a", "b", "c", "d"]}, SEVERAL),
    "LIMA": ({"conversations": ["a", "b", "c", "d"], "source": "x"}, SEVERAL),
    "Capybara": ({"conversation": [{"input": "a", "output": "b"}, {"input": "c", "output": "d"}]}, SEVERAL),
    "MOSS": ({"chat": [{"human": "a", "assistant": "b"}, {"human": "c", "assistant": "d"}]}, SEVERAL),
    "pairs": ({"conversations": [["a", "b"], ["c", "d"]]}, SEVERAL),
    "guanaco": ({"text": "### Human: a### Assistant: b### Human: c### Assistant: d"}, SEVERAL),
    "guanaco for Llama 2": (
        {"text": "<s>[INST] <<SYS>>\ns\n<</SYS>>\n\na [/INST] b </s><s>[INST] c [/INST] d </s>"},
        [("system", "s"), *SEVERAL],
    ),
    "ChatML": (
        {"text": "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n"},
        SEVERAL[:2],
    ),
    "Alpaca as one text": (
        {
            "text": "Below is a task.\n\n### Instruction:\nHow far?\n\n### Input:\nhere\n\n### Response:\nTwo miles."
        },
        [("user", "How far?\nhere"), ASKED[1]],
    ),
    "glaive": (
        {
            "system": "s",
            "chat": "USER: a\n\n\nASSISTANT: b <|endoftext|>\n\n\nUSER: c\n\n\nASSISTANT: d <|endoftext|>",
        },
        [("system", "s"), *SEVERAL],
    ),
    "OASST's trees": (TREE, ASKED),
    "UltraFeedback": (
        {
            "instruction": "How far?",
            "completions": [
                {"response": "No idea.", "overall_score": 1.0},
                {"response": "Two miles.", "overall_score": 8.5},
            ],
        },
        ASKED,
    ),
    "UltraFeedback, binarized": (
        {
            "prompt": "How far?",
            "chosen": [said("user", "How far?"), said("assistant", "Two miles.")],
            "rejected": [],
        },
        ASKED,
    ),
    "preferences with text": ({"prompt": "How far?", "chosen": "Two miles.", "rejected": "No idea."}, ASKED),
    "TRL's preferences": (
        {
            "prompt": [said("user", "How far?")],
            "chosen": [said("assistant", "Two miles.")],
            "rejected": [said("assistant", "No idea.")],
        },
        ASKED,
    ),
    "HH": ({"chosen": "\n\nHuman: a\n\nAssistant: b\n\nHuman: c\n\nAssistant: d", "rejected": "x"}, SEVERAL),
    "LLaMA-Factory's ranking": (
        {"instruction": "How", "input": "far?", "chosen": "Two miles.", "rejected": "No idea."},
        [("user", "How\nfar?"), ASKED[1]],
    ),
    "LLaMA-Factory's ranking of turns": (
        {
            "conversations": [{"from": "human", "value": "How far?"}],
            "chosen": {"from": "gpt", "value": "Two miles."},
            "rejected": {"from": "gpt", "value": "No idea."},
        },
        ASKED,
    ),
    "KTO": ({"prompt": "How far?", "completion": "Two miles.", "label": True}, ASKED),
    "TRL's prompt and completion": (
        {
            "prompt": [said("system", "Be brief."), said("user", "How far?")],
            "completion": [said("assistant", "Two miles.")],
        },
        [("system", "Be brief."), *ASKED],
    ),
    "columns called as a person would": ({"Question": "How far?", "Answer": "Two miles."}, ASKED),
    "a list of turns as text": (
        {"messages": json.dumps([said("user", "How far?"), said("assistant", "Two miles.")])},
        ASKED,
    ),
    "a list of turns as pandas writes it": (
        {"messages": str([said("user", "How far?"), said("assistant", "Two miles.")])},
        ASKED,
    ),
    "an object of lists": (
        {"messages": {"role": ["user", "assistant"], "content": ["How far?", "Two miles."]}},
        ASKED,
    ),
    "several answers": ({"question": "How far?", "answer": ["Two miles.", "2"]}, ASKED),
    "PubMedQA": (
        {"question": "How far?", "context": {"contexts": ["Near.", "Far."], "labels": ["x"]}, "answer": "no"},
        [("user", "Near.\n\nFar.\n\nHow far?"), ("assistant", "no")],
    ),
}


@pytest.mark.parametrize("name", RECORDS)
def test_each_gives_its_conversation(tmp_path, name):
    record, expected = RECORDS[name]
    assert turns(read_one(tmp_path, record)) == expected


def test_reasoning_in_a_field_beside_the_answer(tmp_path):
    expected = Message("assistant", "Two miles.", reasoning="hm")
    for record in (
        {
            "question": "How far?",
            "thinking_trajectories": ["hm", "or"],
            "attempt": "Two miles.",
            "solution": "2",
        },
        {"Question": "How far?", "Complex_CoT": "hm", "Response": "Two miles."},
        {"instruction": "How far?", "output": "Two miles.", "reasoning_content": "hm"},
    ):
        assert read_one(tmp_path, record).messages == (Message("user", "How far?"), expected)


def test_calls_as_answers(tmp_path):
    call = {"name": "walk", "arguments": {"miles": 2}}
    tools = [{"name": "walk", "parameters": {}}]
    for record in (
        {"query": "Go.", "answers": json.dumps([call]), "tools": json.dumps(tools)},
        {"query": "Go.", "answers": [call], "tools": tools},
    ):
        instruction = read_one(tmp_path, record)
        assert instruction.messages[-1].tool_calls == (ToolCall("walk", '{"miles": 2}'),)
        assert json.loads(instruction.tools) == tools


@pytest.mark.parametrize(
    "record",
    [
        {**GOOD, "label": False},
        {"instruction": "a", "output": "b", "kto_tag": False},
        {"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}], "label": False},
    ],
)
def test_examples_of_what_not_to_answer_are_left_out_without_stopping(tmp_path, record):
    reading = read_instructions([write(tmp_path, jsonl(GOOD, record))])
    assert [i.line for i in reading.instructions] == [1]
    assert [(r.line, r.meant) for r in reading.rejected] == [(2, True)]
    assert "is false: an example of what not to answer" in reading.rejected[0].reason


@pytest.mark.parametrize(
    ("record", "what"),
    [
        (
            {"question": "q", "reply": "a", "generation": "b"},
            'the fields "reply" and "generation" could be the resp',
        ),
        (
            {"user_input": "q", "request": "r", "Reply": "a"},
            'the fields "user_input" and "request" could be the pr',
        ),
        (
            {"message_id": "1", "parent_id": None, "text": "q", "role": "prompter"},
            "holds one message of a tree",
        ),
        ({"text": "Only prose."}, "no format known for the fields ['text']"),
        ({"question": "q"}, '"answer" is missing'),
        ({"problem": "q"}, '"response" is missing, expected it beside the fields'),
        ({"targets": "q"}, '" is missing'),
        (
            {"context": "c", "question": "q", "answers": {"text": []}},
            '"answers" is a list ([]), expected text',
        ),
        ({"chosen": "a", "rejected": "b"}, '"chosen" stands without a "prompt"'),
    ],
)
def test_what_cannot_be_told_is_one_line_with_a_remedy(tmp_path, record, what):
    said = complaint([write(tmp_path, jsonl(record))])
    assert said.startswith("pool.jsonl:1: ") and what in said
