"""Which tokens are trained, for LESS's format and for chat templates of several habits."""

import numpy as np
import pytest

from g2is.instructions import Instruction, Message
from g2is.lm.text import PROMPT_CUT, RESPONSE_CUT, WHOLE, Encoder
from tests.tiny import byte_tokenizer

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# No system turn, no generation prompt, strict alternation.
MISTRAL = (
    "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system turn') }}{% endif %}"
    "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}"
    "{% endif %}{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]{% else %} {{ m.content }}</s>"
    "{% endif %}{% endfor %}"
)
# Drops the reasoning of every turn but the last.
FORGETFUL = (
    "{% for m in messages %}<{{ m.role }}>{% if m.role == 'assistant' and not loop.last %}"
    "{{ m.content.split('</think>')[-1] }}{% else %}{{ m.content }}{% endif %}</{{ m.role }}>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


def conversation(*turns: tuple[str, str], tools: str | None = None) -> Instruction:
    messages = tuple(Message(role, content) for role, content in turns)
    return Instruction(messages, source="x.jsonl", line=1, format="messages", raw=b"{}", tools=tools)


def encode(instruction: Instruction, template: str | None = None, max_length: int = 1000):
    tokenizer = byte_tokenizer(template)
    encoded = Encoder(tokenizer, max_length)([instruction])[0]
    return encoded, tokenizer.decode(encoded.input_ids), tokenizer.decode(encoded.input_ids[encoded.trained])


def test_less_format_trains_answers_with_their_end_and_nothing_else():
    encoded, text, trained = encode(
        conversation(
            ("system", " Be brief. "),
            ("user", "2+2?"),
            ("assistant", " 4\n"),
            ("user", "3?"),
            ("assistant", "é😀"),
        )
    )
    assert text == (
        "<|system|>\nBe brief.\n<|user|>\n2+2?\n<|assistant|>\n4</s>\n<|user|>\n3?\n<|assistant|>\né😀</s>\n"
    )
    assert trained == "4</s>\né😀</s>\n"
    assert encoded.cut == WHOLE and encoded.problem is None


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        (CHATML, "4<|im_end|>\n3<|im_end|>\n"),
        (MISTRAL, " 4</s> 3</s>"),
        (FORGETFUL, "<think>hm</think>3</assistant>"),
    ],
)
def test_chat_templates_train_what_the_template_writes_after_its_generation_prompt(template, expected):
    answer, last = ("<think>a</think>4", "<think>hm</think>3") if template is FORGETFUL else ("4", "3")
    _, _, trained = encode(
        conversation(("user", "2+2?"), ("assistant", answer), ("user", "And?"), ("assistant", last)), template
    )
    # A turn that the template rewrites later is trained only where both renderings agree.
    assert trained.endswith(expected)
    assert "2+2" not in trained and "And" not in trained


def test_a_system_turn_that_the_template_refuses_goes_before_the_question():
    _, text, trained = encode(
        conversation(("system", "Be brief."), ("user", "2+2?"), ("assistant", "4")), MISTRAL
    )
    assert text == "[INST] Be brief.\n\n2+2? [/INST] 4</s>"
    assert trained == " 4</s>"


def test_a_template_that_prints_the_date_prints_the_same_on_every_day():
    template = (
        "{% if not date_string is defined %}{% set date_string = strftime_now('%d %b %Y') %}{% endif %}"
        "{{ date_string }}" + CHATML
    )
    _, text, _ = encode(conversation(("user", "a"), ("assistant", "b")), template)
    assert text.startswith("26 Jul 2024<|im_start|>")


def test_a_conversation_that_the_template_refuses_is_invalid_with_the_reason():
    encoded, _, _ = encode(conversation(("user", "a"), ("user", "b"), ("assistant", "c")), MISTRAL)
    assert encoded.problem == "the chat template refuses the conversation: roles must alternate"
    assert len(encoded) == 0


def test_tools_reach_the_model_without_a_place_for_them():
    _, text, _ = encode(conversation(("user", "a"), ("assistant", "b"), tools='[{"name": "f"}]'))
    assert text.startswith('<|system|>\nTools: [{"name": "f"}]\n<|user|>\na\n')


def test_an_overlong_prompt_loses_its_start_and_keeps_the_response():
    encoded, text, trained = encode(conversation(("user", "x" * 300), ("assistant", "yes")), max_length=64)
    assert len(encoded) == 64 and encoded.cut == PROMPT_CUT
    assert trained == "yes</s>\n" and text.endswith("x\n<|assistant|>\nyes</s>\n")


def test_an_overlong_response_keeps_its_start_and_some_prompt():
    encoded, text, trained = encode(conversation(("user", "why?"), ("assistant", "y" * 300)), max_length=64)
    assert len(encoded) == 64 and encoded.cut == RESPONSE_CUT
    assert trained == "y" * 48 and text.startswith("?\n<|assistant|>\n")


def test_a_response_without_tokens_is_invalid():
    tokenizer = byte_tokenizer(
        "{% for m in messages %}{% if m.role == 'user' %}{{ m.content }}{% endif %}{% endfor %}"
    )
    encoded = Encoder(tokenizer, 100)([conversation(("user", "a"), ("assistant", "b"))])[0]
    assert encoded.problem == "the response has no tokens"


def test_the_first_token_is_never_trained():
    template = "{% for m in messages %}{% if m.role == 'assistant' %}{{ m.content }}{% endif %}{% endfor %}"
    encoded, _, trained = encode(conversation(("user", "a"), ("assistant", "bcd")), template)
    assert trained == "cd" and not encoded.trained[0]


def test_batches_do_not_change_the_encoding():
    many = [conversation(("user", "x" * n), ("assistant", "y" * (n + 1))) for n in range(5)]
    encoder = Encoder(byte_tokenizer(), 100)
    for together, alone in zip(encoder(many), [encoder([one])[0] for one in many], strict=True):
        np.testing.assert_array_equal(together.input_ids, alone.input_ids)
        np.testing.assert_array_equal(together.trained, alone.trained)
