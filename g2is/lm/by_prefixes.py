"""Replies placed by comparing a conversation with its beginnings."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from g2is.lm.notes import ENDLESS, UNPLACED
from g2is.lm.placing import Rendering, Reply, after_header, end_of_turn, split_reasoning


class ByPrefixes(Rendering):
    """Places a reply where the text grows by it and nothing before it changes."""

    @cached_property
    def messages(self) -> list[dict[str, Any]]:
        return self.conversation.messages()

    def turns_left_out(self) -> list[str]:
        return []  # not to be told

    def reply(self, number: int) -> Reply | str:
        turn = self.conversation.turns[number]
        before = self.render(self.messages[:number], generation=True)
        after = self.render(self.messages[: number + 1])
        if before is None or after is None or not after.startswith(before):
            return UNPLACED
        answer = split_reasoning(turn.content)[1].strip()
        at = after.rfind(answer, len(before)) if answer else len(before)
        if at < 0:
            return UNPLACED
        rest = after[at + len(answer) :]
        specials = self.template.specials(rest)
        length = end_of_turn(rest, rest, specials, calls=bool(turn.tool_calls))
        end = at + len(answer) + length
        if not self.text.startswith(after[:end]):
            return UNPLACED
        ended = any(start < length for start, _ in specials)
        start = len(before)
        if not turn.tool_calls and before == self.render(self.messages[:number]):
            start += after_header(after[start:at])
        return Reply(start, end, [(start, end)], [] if ended else [ENDLESS])
