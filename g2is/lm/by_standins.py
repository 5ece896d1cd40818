"""Replies placed by stand-ins for the characters of every turn."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np

from g2is.instructions import Message, ToolCall
from g2is.instructions.turns import REASONING_FIELDS
from g2is.lm.by_prefixes import ByPrefixes
from g2is.lm.conversation import Conversation, as_dict
from g2is.lm.notes import (
    CALLS_UNWRITTEN,
    DROPPED,
    ENDLESS,
    REASONING_DROPPED,
    REASONING_UNWRITTEN,
    unwritten,
)
from g2is.lm.placing import Rendering, Reply, Span, after_header, common_prefix, end_of_turn, split_reasoning
from g2is.lm.standins import StandIns
from g2is.lm.template import Template

_PARTS = _CONTENT, _REASONING, _CALLS, _NAMES = range(4)


class ByStandIns(Rendering):
    """Places replies by stand-ins. agree: whether the template treats them like the characters they stand for."""

    def __init__(
        self, template: Template, conversation: Conversation, text: str, *, keep: bool, plain_names: bool
    ) -> None:
        super().__init__(template, conversation, text)
        everything = text + "".join(turn.text for turn in conversation.turns)
        self.stand_ins = StandIns(everything, template.constants(conversation.tools) if keep else ())
        self.plain_names = plain_names
        # Templates compare user turns with each other: equal ones get equal stand-ins.
        first: dict[str, int] = {}
        self.owner = [
            number if turn.role == "assistant" else first.setdefault(turn.text, number)
            for number, turn in enumerate(conversation.turns)
        ]
        self.messages = [
            self._replaced(turn, owner) for turn, owner in zip(conversation.turns, self.owner, strict=True)
        ]
        shown = self.render(self.messages)
        self.agree = (
            shown is not None and self.stand_ins.original(shown) == text and not self.stand_ins.exhausted
        )
        if shown is not None and self.agree:
            self.owners = self.stand_ins.owners(shown)
            self.places = np.flatnonzero(self.owners >= 0)

    def _replaced(self, turn: Message, number: int) -> dict[str, Any]:
        """The turn with stand-ins, as the template takes it."""
        content, reasoning, calls, names = (number * len(_PARTS) + part for part in _PARTS)
        stand_ins = self.stand_ins
        thought, answer = split_reasoning(turn.content) if turn.role == "assistant" else ("", turn.content)
        replaced = replace(
            turn,
            content=stand_ins.replace(thought, reasoning) + stand_ins.replace(answer, content),
            reasoning=None if turn.reasoning is None else stand_ins.replace(turn.reasoning, reasoning),
            tool_calls=tuple(
                replace(
                    call,
                    name=call.name if self.plain_names else stand_ins.replace(call.name, names),
                    arguments=self._arguments(call, calls),
                )
                for call in turn.tool_calls
            ),
        )
        return as_dict(replaced, self.conversation.shape)

    def _arguments(self, call: ToolCall, owner: int) -> str:
        arguments = call.parsed_arguments
        if isinstance(arguments, str) or not self.conversation.shape.objects:
            return self.stand_ins.replace(call.arguments, owner)
        return json.dumps(
            self.stand_ins.replace_all(arguments, owner, keys=not self.plain_names), ensure_ascii=False
        )

    def turns_left_out(self) -> list[str]:
        """A note for every system, user or tool turn that the template does not write."""
        written = set((self.owners[self.places] // len(_PARTS)).tolist())
        return [
            unwritten(turn.role)
            for number, turn in enumerate(self.conversation.turns)
            if turn.role != "assistant" and self.owner[number] not in written and self._is_replaced(number)
        ]

    def _is_replaced(self, number: int) -> bool:
        return self.messages[number] != as_dict(self.conversation.turns[number], self.conversation.shape)

    def reply(self, number: int) -> Reply | str:
        """Where a reply stands, or the note why it is not trained."""
        turn = self.conversation.turns[number]
        own = self.places[self.owners[self.places] // len(_PARTS) == number]
        if not len(own):
            if self.messages[number] == as_dict(
                turn, self.conversation.shape
            ):  # nothing that could be replaced
                return ByPrefixes(self.template, self.conversation, self.text).reply(number)
            return DROPPED
        others = self.places[self.owners[self.places] // len(_PARTS) != number]
        parts = set((self.owners[own] % len(_PARTS)).tolist())
        if _NAMES in parts:
            own = self._without_later_names(own)
        first, last = int(own[0]), int(own[-1]) + 1
        spans = self._pieces(own, others)
        spans[0] = (self._start(number, first, others), spans[0][1])
        end, ended = self._end(number, last, others)
        spans[-1] = (spans[-1][0], end)
        notes = [] if ended else [ENDLESS]
        if _REASONING not in parts and (turn.reasoning or split_reasoning(turn.content)[0].strip()):
            notes.append(self._why_without_reasoning(number))
        if turn.tool_calls and not parts & {_CALLS, _NAMES} and not self.plain_names:
            notes.append(CALLS_UNWRITTEN)
        return Reply(first, last, spans, notes)

    def _why_without_reasoning(self, number: int) -> str:
        turns = self.conversation.turns
        is_last = number == len(turns) - 1
        has_place = self.template.mentions(*REASONING_FIELDS, tools=self.conversation.tools)
        unwritten = is_last or (turns[number].reasoning and not has_place)
        return REASONING_UNWRITTEN if unwritten else REASONING_DROPPED

    def _without_later_names(self, own: np.ndarray) -> np.ndarray:
        """Own characters without names that come after all else: the tool's answer may repeat whom it is from."""
        is_name = self.owners[own] % len(_PARTS) == _NAMES
        if is_name.all():
            breaks = np.flatnonzero(np.diff(own) > 1)
            return own[: int(breaks[0]) + 1] if len(breaks) else own
        return own[: int(np.flatnonzero(~is_name)[-1]) + 1]

    @staticmethod
    def _pieces(own: np.ndarray, others: np.ndarray) -> list[Span]:
        """Spans of own characters with none of another turn in between."""
        cuts = np.flatnonzero(np.diff(np.searchsorted(others, own)) > 0) + 1
        return [(int(piece[0]), int(piece[-1]) + 1) for piece in np.split(own, cuts)]

    def _start(self, number: int, first: int, others: np.ndarray) -> int:
        """Where the generation prompt ends: as it is written when the conversation stops before the reply."""
        before = others[others < first]
        begin = int(before[-1]) + 1 if len(before) else 0
        region = self.text[begin:first]
        prompt = self._tail(number, generation=True)
        if prompt is None:
            return first
        bare = self._tail(number)
        length = common_prefix(prompt, region)
        is_call = self.owners[first] % len(_PARTS) in (_CALLS, _NAMES)
        if prompt == bare and length == len(prompt) and not is_call:
            return begin + length + after_header(region[length:])
        if length == len(prompt) or length == len(region):
            return begin + length
        # The prompt may say more than a reply begins with (an open <think>), but that must be all.
        opening = common_prefix(prompt, bare) if bare is not None else 0
        if length > opening:
            return begin + length
        for size in range(len(prompt) - opening, 0, -1):
            at = region.rfind(prompt[opening : opening + size])
            if at >= 0:
                return begin + at + size
        return first

    def _tail(self, count: int, *, generation: bool = False) -> str | None:
        """What the template writes after the last character of the first `count` turns."""
        shown = self.render(self.messages[:count], generation=generation)
        if shown is None:
            return None
        written = np.flatnonzero(self.stand_ins.owners(shown) >= 0)
        return self.stand_ins.original(shown[int(written[-1]) + 1 if len(written) else 0 :])

    def _end(self, number: int, last: int, others: np.ndarray) -> tuple[int, bool]:
        """Where the turn ends, with the token that ends it, and whether there is one."""
        after = others[others >= last]
        rest = self.text[last : int(after[0]) if len(after) else len(self.text)]
        is_last = number == len(self.conversation.turns) - 1
        tail = rest if is_last else self._tail(number + 1)
        length = end_of_turn(
            rest, tail, self.template.specials(rest), calls=bool(self.conversation.turns[number].tool_calls)
        )
        return last + length, any(start < length for start, _ in self.template.specials(rest))
