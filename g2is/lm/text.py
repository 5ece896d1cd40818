"""Instructions as tokens, with a mark on the tokens that are trained.

Knows the tokenizer, not the model. A conversation becomes text by the tokenizer's chat template, or in
the format of LESS where it has none; only assistant turns that answer a user are trained.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jinja2.exceptions import TemplateError

from g2is.instructions import Instruction, Message

WHOLE, PROMPT_CUT, RESPONSE_CUT = 0, 1, 2


@dataclass(frozen=True)
class Encoded:
    """One sample as the model sees it.

    input_ids: (t,) int64. trained: (t,) bool, the response tokens. cut: `WHOLE`, `PROMPT_CUT` (the
    start of the prompt fell off) or `RESPONSE_CUT` (the response alone is too long). problem: why
    there is nothing to train on, or None.
    """

    input_ids: np.ndarray
    trained: np.ndarray
    cut: int = WHOLE
    problem: str | None = None

    def __len__(self) -> int:
        return len(self.input_ids)


class Encoder:
    """Turns instructions into tokens of at most `max_length`."""

    def __init__(self, tokenizer: Any, max_length: int) -> None:
        self.tokenizer = tokenizer
        self.max_length = max_length
        self.has_template = bool(tokenizer.chat_template)

    def __call__(self, instructions: Sequence[Instruction]) -> list[Encoded]:
        if not instructions:
            return []
        rendered = [self._render(instruction) for instruction in instructions]
        # Templates write special tokens themselves; LESS leaves the first one to the tokenizer.
        tokens = self.tokenizer(
            [text for text, _, _ in rendered],
            add_special_tokens=not self.has_template,
            return_offsets_mapping=True,
            return_attention_mask=False,
            verbose=False,
        )
        return [
            self._encode(ids, offsets, spans, problem)
            for ids, offsets, (_, spans, problem) in zip(
                tokens["input_ids"], tokens["offset_mapping"], rendered, strict=True
            )
        ]

    def _render(self, instruction: Instruction) -> tuple[str, list[tuple[int, int]], str | None]:
        if not self.has_template:
            return *less_text(instruction, self.tokenizer.eos_token or ""), None
        try:
            return *template_text(instruction, self.tokenizer), None
        except (TemplateError, ValueError, TypeError, KeyError) as error:
            reason = str(error).strip().splitlines() or [type(error).__name__]
            return "", [], f"the chat template refuses the conversation: {reason[0]}"

    def _encode(
        self,
        ids: list[int],
        offsets: list[tuple[int, int]],
        spans: list[tuple[int, int]],
        problem: str | None,
    ) -> Encoded:
        input_ids = np.asarray(ids, dtype=np.int64)
        trained = np.zeros(len(ids), dtype=bool)
        if len(ids):
            start, end = np.asarray(offsets).T
            for first, last in spans:
                trained |= (start >= first) & (start < last) & (end > start)
            trained[0] = False  # nothing comes before it that could predict it
        if problem is None and not trained.any():
            problem = "the response has no tokens"
        if problem is not None:
            return Encoded(input_ids[:0], trained[:0], problem=problem)
        if len(ids) <= self.max_length:
            return Encoded(input_ids, trained)
        return self._cut(input_ids, trained)

    def _cut(self, input_ids: np.ndarray, trained: np.ndarray) -> Encoded:
        """Keep the responses: drop the start of the prompt or, where that is not enough, their end."""
        first = int(np.flatnonzero(trained)[0])
        last = int(np.flatnonzero(trained)[-1]) + 1
        if last - first < self.max_length:
            keep = slice(max(0, last - self.max_length), last)
            return Encoded(input_ids[keep], trained[keep], PROMPT_CUT)
        begin = first - min(first, max(1, self.max_length // 4))
        keep = slice(begin, begin + self.max_length)
        return Encoded(input_ids[keep], trained[keep], RESPONSE_CUT)


def less_text(instruction: Instruction, eos: str) -> tuple[str, list[tuple[int, int]]]:
    """LESS's chat format and the character spans that are trained.

    `<|user|>\\n…\\n<|assistant|>\\n…{eos}\\n`, contents stripped; the end-of-sequence token and its
    line break are trained, the role marks are not (princeton-nlp/LESS).
    """
    text, spans, asked = "", [], False
    for message in _with_tools_as_text(instruction):
        text += f"<|{message.role}|>\n"
        start = len(text)
        if message.role == "assistant":
            text += f"{message.text.strip()}{eos}\n"
            if asked:
                spans.append((start, len(text)))
        else:
            text += f"{message.text.strip()}\n"
        asked |= message.role == "user"
    return text, spans


def template_text(instruction: Instruction, tokenizer: Any) -> tuple[str, list[tuple[int, int]]]:
    """The tokenizer's chat template and the character spans that are trained.

    Templates do not say where a response begins, so the text up to the generation prompt is compared
    with the text that includes the response. A turn that later turns rewrite (some templates drop
    earlier reasoning) is not trained. Raises what the template raises.
    """
    tools = _parsed_tools(instruction) if "tools" in tokenizer.chat_template else None
    messages = instruction.messages if tools else _with_tools_as_text(instruction)

    def render(turns: Sequence[Message], generation: bool = False) -> str:
        return tokenizer.apply_chat_template(
            [{"role": turn.role, "content": turn.text} for turn in turns],
            tools=tools,
            tokenize=False,
            add_generation_prompt=generation,
            # Templates that print today's date (Llama 3's) would give other gradients tomorrow; this is their own.
            date_string="26 Jul 2024",
        )

    try:
        text = render(messages)
    except TemplateError:
        # Some templates know no system turn (Gemma): the usual remedy is to put it before the question.
        if messages[0].role != "system":
            raise
        messages = _system_in_user(messages)
        text = render(messages)

    spans, asked = [], False
    for turn, message in enumerate(messages):
        if message.role == "assistant" and asked:
            before = render(messages[:turn], generation=True)
            after = text if turn == len(messages) - 1 else render(messages[: turn + 1])
            start, end = _common_prefix(before, after), _common_prefix(after, text)
            if end > start:
                spans.append((start, end))
        asked |= message.role == "user"
    return text, spans


def _common_prefix(a: str, b: str) -> int:
    length = min(len(a), len(b))
    if a[:length] == b[:length]:
        return length
    return next(i for i in range(length) if a[i] != b[i])


def _parsed_tools(instruction: Instruction) -> list[Any] | None:
    try:
        tools = json.loads(instruction.tools or "null")
    except json.JSONDecodeError:
        return None
    return tools if isinstance(tools, list) and tools else None


def _with_tools_as_text(instruction: Instruction) -> tuple[Message, ...]:
    """The conversation with its tool descriptions in the system turn, for formats without a place for them."""
    if not instruction.tools:
        return instruction.messages
    system, rest = "", instruction.messages
    if rest[0].role == "system":
        system, rest = rest[0].text.strip() + "\n", rest[1:]
    return (Message("system", f"{system}Tools: {instruction.tools}"), *rest)


def _system_in_user(messages: Sequence[Message]) -> tuple[Message, ...]:
    system, *rest = messages
    first = next(i for i, message in enumerate(rest) if message.role == "user")
    joined = Message("user", f"{system.content}\n\n{rest[first].content}")
    return (*rest[:first], joined, *rest[first + 1 :])
