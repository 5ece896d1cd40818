"""Where a chat template writes the replies of a conversation.

One rendering of the whole conversation is what the model sees, and the replies are found in it: by stand-ins for
the characters of every turn, or where the template treats those differently by comparing it with renderings of its
beginning. A reply is trained from the end of the generation prompt to the token that ends the turn, with all that
the template writes in between (marks of reasoning, the syntax of tool calls).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import takewhile
from typing import Any

import numpy as np

from g2is.instructions import Message, ToolCall
from g2is.lm.conversation import Conversation, as_dict
from g2is.lm.notes import (
    CALLS_UNWRITTEN,
    DROPPED,
    EMPTY,
    ENDLESS,
    EXCLUDED,
    REASONING_DROPPED,
    REASONING_UNWRITTEN,
    UNASKED,
    UNMARKED,
    UNPLACED,
    unwritten,
)
from g2is.lm.standins import StandIns
from g2is.lm.template import Refused, Template

Span = tuple[int, int]

_PARTS = _CONTENT, _REASONING, _CALLS, _NAMES = range(4)
_END_OF_REASONING = re.compile(r"</think(?:ing)?>|</reasoning>|\[/THINK\]")
# A template may end the last turn with one token and the others with another (<|return|> and <|end|> of gpt-oss).
_LOOKS_LIKE_AN_END = re.compile(r"end|eo[tms]|/|return|call|stop", re.IGNORECASE)
# Some templates write the start of a reply whether asked for it or not (Command A).
_LOOKS_LIKE_A_START = re.compile(
    r"start|begin|bos|user|human|assistant|chatbot|system|\[INST\]|^<s>$", re.IGNORECASE
)


@dataclass(frozen=True)
class Placed:
    """A conversation's text, the character spans that are trained, and notes on what is not as in the source."""

    text: str
    spans: tuple[Span, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Reply:
    """One reply in the text. first, last: its own characters, inclusive and exclusive. spans: what is trained."""

    first: int
    last: int
    spans: list[Span]
    notes: list[str]


def place_replies(template: Template, conversation: Conversation, text: str) -> Placed:
    """The trained spans of a conversation that the template renders as `text`."""
    places: _ByStandIns | _ByPrefixes | None = None
    for plain_names, keep in ((False, False), (False, True), (True, True)):
        places = _ByStandIns(template, conversation, text, keep=keep, plain_names=plain_names)
        if places.agree:
            break
    else:
        places = _ByPrefixes(template, conversation, text)
    marks = _marks(template, conversation)
    spans: list[Span] = []
    notes = [*conversation.notes, *places.turns_left_out()]
    asked = False
    for number, turn in enumerate(conversation.turns):
        if turn.role == "assistant":
            reason = UNASKED if not asked else EXCLUDED if not turn.trained else None
            if reason is None and not turn.text.strip():
                reason = EMPTY
            reply = None if reason else places.reply(number)
            if isinstance(reply, _Reply):
                trained = reply.spans if not marks else _within_marks(reply, marks)
                spans += trained
                notes += reply.notes if trained else [UNMARKED]
            else:
                notes.append(reason or reply or DROPPED)
        asked |= turn.role == "user"
    return Placed(text, tuple(spans), tuple(notes))


def _marks(template: Template, conversation: Conversation) -> list[Span]:
    if not template.has_marks(conversation.tools):
        return []
    return template.render_with_marks(conversation.messages(), conversation.tools, conversation.arguments)[1]


def _within_marks(reply: _Reply, marks: list[Span]) -> list[Span]:
    """The marks around a reply, with the token that ends it where they stop short of it."""
    own = [mark for mark in marks if mark[0] < reply.last and mark[1] > reply.first]
    if own and reply.last <= own[-1][1] < reply.spans[-1][1]:
        own[-1] = (own[-1][0], reply.spans[-1][1])
    return own


class _Rendering:
    """What both ways of placing share."""

    def __init__(self, template: Template, conversation: Conversation, text: str) -> None:
        self.template = template
        self.conversation = conversation
        self.text = text

    def render(self, messages: list[dict[str, Any]], *, generation: bool = False) -> str | None:
        """None where the template refuses the beginning of a conversation."""
        conversation = self.conversation
        try:
            return self.template.render(
                messages, conversation.tools, conversation.arguments, generation=generation
            )
        except Refused:
            return None

    def specials(self, text: str) -> list[Span]:
        pattern = self.template.special
        return [match.span() for match in pattern.finditer(text)] if pattern else []


class _ByStandIns(_Rendering):
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

    def reply(self, number: int) -> _Reply | str:
        """Where a reply stands, or the note why it is not trained."""
        turn = self.conversation.turns[number]
        own = self.places[self.owners[self.places] // len(_PARTS) == number]
        if not len(own):
            if self.messages[number] == as_dict(
                turn, self.conversation.shape
            ):  # nothing that could be replaced
                return _ByPrefixes(self.template, self.conversation, self.text).reply(number)
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
            notes.append(self._why_without_reasoning(turn))
        if turn.tool_calls and not parts & {_CALLS, _NAMES} and not self.plain_names:
            notes.append(CALLS_UNWRITTEN)
        return _Reply(first, last, spans, notes)

    def _why_without_reasoning(self, turn: Message) -> str:
        source = self.template.source(self.conversation.tools)
        if turn.reasoning and not any(name in source for name in ("reasoning", "thinking")):
            return REASONING_UNWRITTEN
        return REASONING_DROPPED

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
        length = common_prefix(prompt, region)
        if length == len(prompt) or length == len(region):
            return begin + length
        # The prompt may say more than a reply begins with (an open <think>), but that must be all.
        bare = self._tail(number)
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
            rest, tail, self.specials(rest), calls=bool(self.conversation.turns[number].tool_calls)
        )
        return last + length, any(start < length for start, _ in self.specials(rest))


def end_of_turn(rest: str, alone: str | None, specials: list[Span], *, calls: bool) -> int:
    """How much of the text after a reply belongs to its turn.

    rest: the text up to the next turn's own characters. alone: what is written where the conversation ends with
    this turn. specials: where tokens that were added to the vocabulary stand in `rest`. calls: whether the turn ends
    with tool calls, whose syntax may have such tokens too.
    """
    shared = common_prefix(rest, alone) if alone is not None else len(rest)
    whole = shared == len(alone if alone is not None else rest)
    inside = list(takewhile(lambda span: span[1] <= shared and not _starts(rest[slice(*span)]), specials))
    if not inside:
        straddling = [span for span in specials if span[0] <= shared < span[1]]
        if whole or not straddling:
            return shared
        start, end = straddling[0]
        is_end = not rest[:start].strip() and bool(_LOOKS_LIKE_AN_END.search(rest[start:end]))
        return end if is_end else start
    if calls:
        return inside[-1][1]
    end = inside[0][1]
    for start, stop in inside[1:]:
        if start != end:
            break
        end = stop
    return end


def _starts(token: str) -> bool:
    return bool(_LOOKS_LIKE_A_START.search(token)) and not _LOOKS_LIKE_AN_END.search(token)


class _ByPrefixes(_Rendering):
    """Places a reply where the text grows by it and nothing before it changes."""

    @cached_property
    def messages(self) -> list[dict[str, Any]]:
        return self.conversation.messages()

    def turns_left_out(self) -> list[str]:
        return []  # not to be told

    def reply(self, number: int) -> _Reply | str:
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
        specials = self.specials(rest)
        length = end_of_turn(rest, rest, specials, calls=bool(turn.tool_calls))
        end = at + len(answer) + length
        if not self.text.startswith(after[:end]):
            return UNPLACED
        ended = any(start < length for start, _ in specials)
        return _Reply(len(before), end, [(len(before), end)], [] if ended else [ENDLESS])


def split_reasoning(content: str) -> tuple[str, str]:
    """Reasoning inside the content, up to the mark that ends it, and the rest."""
    end = max((match.end() for match in _END_OF_REASONING.finditer(content)), default=0)
    return content[:end], content[end:]


def common_prefix(a: str, b: str) -> int:
    """The length of the longest common beginning."""
    length = min(len(a), len(b))
    if a[:length] == b[:length]:
        return length
    return next(i for i in range(length) if a[i] != b[i])
