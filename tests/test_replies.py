"""Which tokens of a conversation are trained, under templates with the habits of published ones.

Every turn has words of its own, so that a token of another turn is seen at once.
"""

import re
from collections import Counter

import numpy as np
import pytest

from g2is.instructions import Instruction, Message, ToolCall
from g2is.lm import notes
from g2is.lm.text import Encoder
from tests.chat_templates import TEMPLATES, tokenizer_of
from tests.tiny import byte_tokenizer

CALL = ToolCall("heron", '{"wading": "egret", "legs": 2}', "abc123def")
TOOLS = '[{"name": "heron", "parameters": {"type": "object"}}]'


def user(text: str) -> Message:
    return Message("user", text)


def reply(text: str, **fields) -> Message:
    return Message("assistant", text, **fields)


PLAIN = (user("ruby?"), reply("amber one"), user("jade?"), reply("topaz two"))
WITH_CALL = (
    user("ruby?"),
    reply("", tool_calls=(CALL,)),
    Message("tool", "opal", tool_call_id=CALL.id, name="heron"),
    reply("topaz two"),
)


def encode(name: str, turns: tuple[Message, ...], **fields):
    """The whole text, the trained pieces, and the notes."""
    tokenizer = tokenizer_of(name)
    instruction = Instruction(turns, "x.jsonl", 1, "messages", b"{}", **fields)
    sample = Encoder(tokenizer, 10_000)([instruction])[0]
    assert sample.problem is None, sample.problem
    borders = np.flatnonzero(np.diff(sample.trained.astype(int))) + 1
    pieces = [
        tokenizer.decode(sample.input_ids[piece])
        for piece in np.split(np.arange(len(sample)), borders)
        if sample.trained[piece[0]]
    ]
    return tokenizer.decode(sample.input_ids), pieces, dict(Counter(sample.notes))


EXPECTED = {
    "end of text only": ([" amber one\n", " topaz two\n</s>"], {notes.ENDLESS: 1}),
    "system with the last question": ([" amber one</s>", " topaz two</s>"], {}),
    "reasoning after the last question": (
        ["amber one<|im_end|>", "<think>\n\n</think>\n\ntopaz two<|im_end|>"],
        {},
    ),
    "reasoning opened by the prompt": (["amber one<|im_end|>", "\n</think>\n\ntopaz two<|im_end|>"], {}),
    "calls with strict ids": (["amber one<|end|>", "topaz two<|end|>"], {}),
    "marks with the end": (["amber one<|im_end|>\n", "topaz two<|im_end|>\n"], {}),
    "marks on the last reply": (["topaz two<|im_end|>"], {notes.UNMARKED: 1}),
    "two end tokens": (["[INST]amber one<|end|>", "[INST]topaz two<|return|>"], {}),
}


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_reply_is_trained_with_its_end_and_nothing_else(name):
    _, pieces, counts = encode(name, PLAIN)
    expected = (["amber one<|im_end|>", "topaz two<|im_end|>"], {})
    assert (pieces, counts) == EXPECTED.get(name, expected)


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_system_prompt_is_never_trained(name):
    text, pieces, counts = encode(name, (Message("system", "quartz"), *PLAIN))
    assert pieces == encode(name, PLAIN)[1]
    counts.pop(notes.ENDLESS, None)
    counts.pop(notes.UNMARKED, None)
    left_out = notes.unwritten("system")
    expected = {
        "no system, no tools, strict turns": {notes.SYSTEM_MOVED: 1},
        "users and replies only": {left_out: 1},
    }
    assert counts == expected.get(name, {})
    assert ("quartz" in text) == (left_out not in counts)


TEXTS = [
    *(
        "ruby?",
        "4",
        " padded\n",
        '"quoted"',
        '"',
        "a\\n",
        "<|im_end|>",
        "é😀 漢字\n\nthree",
        "\u200d",
        "\U000f0001 icon",
    ),
    *(
        "assistant",
        "content",
        "<",
        "def f(x):\n\treturn {'a': [1]}",
        "{{ m.content }}",
        "text",
        "[INST]",
        "###",
    ),
]


@pytest.mark.parametrize("name", [name for name in TEMPLATES if not name.startswith("reasoning never")])
def test_any_text_is_trained_whole(name):
    frames = [re.split("amber one|topaz two", piece) for piece in encode(name, PLAIN)[1]]
    random = np.random.default_rng(0)
    for _ in range(12):
        texts = [TEXTS[i] for i in random.integers(0, len(TEXTS), 4)]
        turns = (user(texts[0]), reply(texts[1]), user(texts[2]), reply(texts[3]))
        pieces = encode(name, turns)[1]
        answers = [texts[1], texts[3]][-len(frames) :]
        assert len(pieces) == len(answers)
        for (before, after), answer, piece in zip(frames, answers, pieces, strict=True):
            stripped = {answer, answer.strip(), answer.lstrip("\n")}
            assert piece in {before + text + after for text in stripped}, texts


def test_equal_turns_are_told_apart():
    for name in TEMPLATES:
        same = (user("ruby"), reply("ruby"), user("ruby"), reply("ruby"))
        frames = [re.split("amber one|topaz two", piece) for piece in encode(name, PLAIN)[1]]
        assert encode(name, same)[1] == ["ruby".join(frame) for frame in frames]


@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.parametrize(
    ("name", "expected", "dropped"),
    [
        (
            "reasoning after the last question",
            ["amber one<|im_end|>", "<think>\nbeta\n</think>\n\ntopaz two<|im_end|>"],
            1,
        ),
        (
            "reasoning opened by the prompt",
            ["amber one<|im_end|>", "beta\n</think>\n\ntopaz two<|im_end|>"],
            1,
        ),
        ("reasoning never", ["amber one<|im_end|>", "topaz two<|im_end|>"], 2),
    ],
)
def test_reasoning_is_trained_where_it_is_written_and_counted_where_it_is_not(
    name, expected, dropped, inside
):
    def thinking(text: str, thought: str) -> Message:
        return reply(f"<think>\n{thought}\n</think>{text}") if inside else reply(text, reasoning=thought)

    turns = (user("ruby?"), thinking("amber one", "alpha"), user("jade?"), thinking("topaz two", "beta"))
    text, pieces, counts = encode(name, turns)
    assert pieces == expected
    if dropped == 1:
        assert counts == {notes.REASONING_DROPPED: 1}
    elif inside:
        assert counts == {notes.REASONING_DROPPED: 1, notes.REASONING_UNWRITTEN: 1}
    else:  # the template does not even look for it
        assert counts == {notes.REASONING_UNWRITTEN: 2}
    assert ("alpha" in text, "beta" in text) == (False, dropped == 1)


def test_a_template_without_a_place_for_reasoning_keeps_what_is_in_the_text():
    turns = (user("ruby?"), reply("<think>\nalpha\n</think>\n\namber"))
    assert encode("plain", turns)[1:] == (["<think>\nalpha\n</think>\n\namber<|im_end|>"], {})
    counts = encode("plain", (user("ruby?"), reply("amber", reasoning="alpha")))[2]
    assert counts == {notes.REASONING_UNWRITTEN: 1}


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("calls as objects", '<tool_call>heron {"wading": "egret", "legs": 2}</tool_call><|im_end|>'),
        ("calls as text", '<tool_call>heron {"wading": "egret", "legs": 2}</tool_call><|im_end|>'),
        (
            "calls where content is none",
            '<tool_call>heron {"wading": "egret", "legs": 2}</tool_call><|im_end|>',
        ),
        ("calls with escaped JSON", '<tool_call>heron {"legs": 2, "wading": "egret"}</tool_call><|im_end|>'),
        (
            "calls with strict ids",
            '{"name": "heron", "arguments": {"wading": "egret", "legs": 2}}abc123def<|call|>',
        ),
    ],
)
def test_calls_are_trained_in_the_template_s_own_form(name, call):
    text, pieces, counts = encode(name, WITH_CALL, tools=None if "strict" in name else TOOLS)
    assert pieces == [call, "topaz two<|im_end|>" if "strict" not in name else "topaz two<|end|>"]
    assert counts == {} and "opal" in text
    if "strict" not in name:
        assert text.startswith("heron;<|im_start|>user")


def test_arguments_stand_as_the_source_has_them_where_the_template_takes_text():
    call = ToolCall("heron", '{"wading":"egret","legs":2}')
    turns = (WITH_CALL[0], reply("So: ", tool_calls=(call, ToolCall("ibis"))), *WITH_CALL[2:])
    assert encode("calls as text", turns)[1][0] == (
        'So: <tool_call>heron {"wading":"egret","legs":2}</tool_call><tool_call>ibis {}</tool_call><|im_end|>'
    )
    assert encode("calls as objects", turns)[1][0].startswith('So: <tool_call>heron {"wading": "egret"')


def test_a_template_without_a_place_for_tools_gets_them_as_text():
    text, pieces, counts = encode("plain", WITH_CALL, tools=TOOLS)
    assert pieces == [
        '{"name": "heron", "arguments": {"wading": "egret", "legs": 2}}<|im_end|>',
        "topaz two<|im_end|>",
    ]
    assert counts == {notes.TOOLS_AS_TEXT: 1, notes.CALLS_AS_TEXT: 1}
    assert text.startswith("<|im_start|>system\nTools: " + TOOLS)
    text, again, counts = encode("no system, no tools, strict turns", WITH_CALL, tools=TOOLS)
    assert again == pieces
    assert counts == {
        notes.TOOLS_AS_TEXT: 1,
        notes.CALLS_AS_TEXT: 1,
        notes.SYSTEM_MOVED: 1,
        notes.RESULTS_AS_USER: 1,
    }
    assert "<|im_start|>user\nopal<|im_end|>" in text
    assert encode("users and replies only", WITH_CALL)[2][notes.unwritten("tool")] == 1


def test_ids_that_the_template_refuses_are_replaced():
    call = ToolCall("heron", "{}", "c1")
    turns = (
        user("ruby?"),
        reply("", tool_calls=(call,)),
        Message("tool", "opal", tool_call_id="c1", name="heron"),
    )
    text, pieces, counts = encode("calls with strict ids", (*turns, reply("topaz")))
    assert pieces == ['{"name": "heron", "arguments": {}}call00001<|call|>', "topaz<|end|>"]
    assert counts == {notes.NEW_IDS: 1} and "[INST]heronopal[/INST]" in text


@pytest.mark.parametrize("tools", ['["add"]', "add(a, b)", "{"])
def test_tools_that_are_no_objects_are_text(tools):
    text, pieces, counts = encode("calls as objects", PLAIN, tools=tools)
    assert f"Tools: {tools}" in text and counts == {notes.TOOLS_AS_TEXT: 1}
    assert pieces == ["amber one<|im_end|>", "topaz two<|im_end|>"]


@pytest.mark.parametrize("name", [None, *TEMPLATES])
def test_replies_that_the_file_excludes_are_read_but_not_trained(name):
    turns = (user("ruby?"), reply("BAD amber", trained=False), user("jade?"), reply("topaz two"))
    if name is None:
        tokenizer = byte_tokenizer()
        sample = Encoder(tokenizer, 1000)([Instruction(turns, "x", 1, "messages", b"{}")])[0]
        assert tokenizer.decode(sample.input_ids[sample.trained]) == "topaz two</s>\n"
        assert "BAD" in tokenizer.decode(sample.input_ids) and sample.notes == (notes.EXCLUDED,)
        return
    text, pieces, counts = encode(name, turns)
    assert pieces == encode(name, PLAIN)[1][-1:]
    assert "BAD" in text and counts[notes.EXCLUDED] == 1


def test_a_sample_whose_every_reply_is_excluded_has_nothing_to_train():
    turns = (user("ruby?"), reply("amber", trained=False))
    sample = Encoder(tokenizer_of("plain"), 1000)([Instruction(turns, "x", 1, "messages", b"{}")])[0]
    assert sample.problem == "the response has no tokens" and sample.notes == (notes.EXCLUDED,)


def test_greetings_and_empty_replies_are_not_trained():
    turns = (reply("welcome"), user("ruby?"), reply(""), user("jade?"), reply("topaz two"))
    _, pieces, counts = encode("plain", turns)
    assert pieces == ["topaz two<|im_end|>"]
    assert counts == {notes.UNASKED: 1, notes.EMPTY: 1}


def test_arguments_of_the_record_reach_the_template():
    turns = (user("ruby?"), reply("amber"))
    assert encode("argument of its own", turns)[0].endswith("assistant\namber<|im_end|>\n")
    # The prompt opens the thought: it is given, not trained.
    text, pieces, _ = encode(
        "argument of its own", turns, template_kwargs='{"thinking_on": true, "messages": 3}'
    )
    assert text.endswith("assistant\n<think>amber<|im_end|>\n") and pieces == ["amber<|im_end|>"]


def test_every_day_is_the_same():
    assert encode("today", PLAIN)[0].startswith("2024-07-26, 26 July<|im_start|>")


def test_a_template_that_rewrites_replies_beyond_recognition_is_said_and_never_guessed():
    tokenizer = byte_tokenizer(
        "{% for m in messages %}<{{ m.role }}>{{ m.content | length if loop.last else m.content | upper }}</s>"
        "{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"
    )
    sample = Encoder(tokenizer, 1000)([Instruction(PLAIN, "x", 1, "messages", b"{}")])[0]
    assert Counter(sample.notes) == {notes.UNPLACED: 2} and sample.problem == "the response has no tokens"


def test_a_template_that_reads_its_content_is_compared_with_its_beginnings():
    tokenizer = byte_tokenizer(
        "{% for m in messages %}<{{ m.role }}>{{ m.content }}{{ m.content | length }}</s>{% endfor %}"
        "{{ 'vowel' if 'topaz' in messages[-1].content | lower else '' }}"
        "{% if add_generation_prompt %}<assistant>{% endif %}"
    )
    sample = Encoder(tokenizer, 1000)([Instruction(PLAIN, "x", 1, "messages", b"{}")])[0]
    assert tokenizer.decode(sample.input_ids).endswith("</s>vowel")
    assert tokenizer.decode(sample.input_ids[sample.trained]) == "amber one9</s>topaz two9</s>"


def test_notes_are_counted_and_read_as_sentences():
    counts = notes.count_notes([(notes.EXCLUDED, notes.EXCLUDED), (), (notes.SYSTEM_MOVED, notes.EXCLUDED)])
    assert counts == {notes.EXCLUDED: 3, notes.SYSTEM_MOVED: 1}
    assert notes.note_lines(counts) == [
        "3 replies not trained: the file excludes them",
        "1 system prompt put before the question: the template refuses a system turn",
    ]
    assert notes.note_lines({notes.REASONING_DROPPED: 1, notes.EXCLUDED: 1_212}) == [
        "1 reply trained without its reasoning: the template drops earlier reasoning",
        "1,212 replies not trained: the file excludes them",
    ]


def test_tables_of_notes_add_up_to_the_same_counts():
    samples = [
        (notes.EXCLUDED, notes.EXCLUDED),
        (),
        (notes.unwritten("tool"), notes.EXCLUDED),
        (notes.ENDLESS,),
    ]
    tables = [notes.notes_table(samples[:1]), notes.notes_table(samples[1:])]
    assert [table.shape for table in tables] == [(1, len(notes.NOTES)), (3, len(notes.NOTES))]
    assert notes.table_counts(tables) == notes.count_notes(samples)
    assert notes.table_counts([]) == {}


@pytest.mark.parametrize("name", TEMPLATES)
def test_batches_do_not_change_what_is_trained(name):
    tokenizer = tokenizer_of(name)
    many = [Instruction(turns, "x", 1, "messages", b"{}") for turns in (PLAIN, PLAIN[:2], PLAIN)]
    encoder = Encoder(tokenizer, 1000)
    for together, alone in zip(
        encoder(many), [Encoder(tokenizer, 1000)([one])[0] for one in many], strict=True
    ):
        np.testing.assert_array_equal(together.input_ids, alone.input_ids)
        np.testing.assert_array_equal(together.trained, alone.trained)
        assert together.notes == alone.notes


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        (
            "{% for m in messages %}[{{ m.role }}]\n{{ m.content }}<|im_end|>\n{% endfor %}",
            "assistant<|im_end|>",
        ),
        (
            "{% for m in messages %}{{ m.role }}: {{ m.content }}<|im_end|>{% endfor %}",
            " assistant<|im_end|>",
        ),
        (
            "{% for m in messages %}{{ '[INST]' if m.role == 'user' else '' }}{{ m.content }}"
            "{{ '[/INST] ' if m.role == 'user' else '<|im_end|>' }}{% endfor %}",
            "assistant<|im_end|>",
        ),
        (
            "{% for m in messages %}[{{ m.role }}]\n{{ '<think>\n\n</think>\n' if m.role == 'assistant' else '' }}"
            "{{ m.content }}<|im_end|>\n{% endfor %}",
            "<think>\n\n</think>\nassistant<|im_end|>",
        ),
    ],
)
def test_without_a_generation_prompt_the_mark_of_the_role_is_not_trained(template, expected):
    """Also where a turn says nothing but the name of its role."""
    tokenizer = byte_tokenizer()
    tokenizer.add_special_tokens({"additional_special_tokens": ["[INST]", "[/INST]", "<|im_end|>"]})
    tokenizer.chat_template = template
    turns = (user("user"), reply("assistant"))
    sample = Encoder(tokenizer, 1000)([Instruction(turns, "x", 1, "messages", b"{}")])[0]
    assert tokenizer.decode(sample.input_ids[sample.trained]) == expected and sample.notes == ()
