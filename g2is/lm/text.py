"""Instructions as tokens, with a mark on the tokens that are trained.

Knows the tokenizer, not the model. A conversation becomes text by the tokenizer's chat template, or in
the format of LESS where it has none; only assistant turns that answer a user are trained.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from g2is.instructions import Instruction
from g2is.lm.conversation import Conversations
from g2is.lm.less import less_text
from g2is.lm.placing import Placed
from g2is.lm.replies import place_replies
from g2is.lm.template import Refused, Template

WHOLE, PROMPT_CUT, RESPONSE_CUT = 0, 1, 2


@dataclass(frozen=True)
class Encoded:
    """One sample as the model sees it.

    input_ids: (t,) int64. trained: (t,) bool, the response tokens. cut: `WHOLE`, `PROMPT_CUT` (the
    start of the prompt fell off) or `RESPONSE_CUT` (the response alone is too long). problem: why
    there is nothing to train on, or None. notes: what became of its replies (`lm.notes`), a note for each reply or
    turn it is true of.
    """

    input_ids: np.ndarray
    trained: np.ndarray
    cut: int = WHOLE
    problem: str | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.input_ids)


class Encoder:
    """Turns instructions into tokens of at most `max_length`."""

    def __init__(self, tokenizer: Any, max_length: int) -> None:
        self.tokenizer = tokenizer
        self.max_length = max_length
        self.has_template = bool(tokenizer.chat_template)
        self._template = Template(tokenizer)
        self._conversations = Conversations(self._template)

    def __call__(self, instructions: Sequence[Instruction]) -> list[Encoded]:
        if not instructions:
            return []
        placed = [self._place(instruction) for instruction in instructions]
        # Templates write special tokens themselves; LESS leaves the first one to the tokenizer.
        tokens = self.tokenizer(
            [sample.text for sample, _ in placed],
            add_special_tokens=not self.has_template,
            return_offsets_mapping=True,
            return_attention_mask=False,
            verbose=False,
        )
        return [
            replace(self._encode(ids, offsets, sample.spans, problem), notes=sample.notes)
            for ids, offsets, (sample, problem) in zip(
                tokens["input_ids"], tokens["offset_mapping"], placed, strict=True
            )
        ]

    def _place(self, instruction: Instruction) -> tuple[Placed, str | None]:
        """The text with its trained spans, or why there is none."""
        if not self.has_template:
            return less_text(instruction, self.tokenizer.eos_token or ""), None
        try:
            conversation, text = self._conversations(instruction)
            return place_replies(self._template, conversation, text), None
        except Refused as refused:
            return Placed("", ()), f"the chat template refuses the conversation: {refused}"

    def _encode(
        self,
        ids: list[int],
        offsets: list[tuple[int, int]],
        spans: Sequence[tuple[int, int]],
        problem: str | None,
    ) -> Encoded:
        input_ids = np.asarray(ids, dtype=np.int64)
        trained = np.zeros(len(ids), dtype=bool)
        if len(ids):
            start, end = np.asarray(offsets).T
            for first, last in spans:
                trained |= (start < last) & (end > first) & (end > start)
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
