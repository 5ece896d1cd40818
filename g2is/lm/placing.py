"""What the ways of finding replies in a rendered conversation share."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from g2is.lm.conversation import Conversation
from g2is.lm.template import Refused, Template

Span = tuple[int, int]

_START_OF_REASONING = re.compile(r"<think(?:ing)?>|<reasoning>|\[THINK\]")
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
class Reply:
    """One reply in the text. first, last: its own characters, inclusive and exclusive. spans: what is trained."""

    first: int
    last: int
    spans: list[Span]
    notes: list[str]


class Rendering:
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


def after_header(written: str) -> int:
    """Where a reply starts in what stands between the turn before it and its own first character.

    For templates without a generation prompt: the mark of the role is no part of the reply, a block of reasoning is,
    and so are blanks, which tokenizers join with the word that follows.
    """
    if not written.strip():
        return 0
    reasoning = _START_OF_REASONING.search(written)
    return reasoning.start() if reasoning else len(written.rstrip(" "))


def end_of_turn(rest: str, alone: str | None, specials: list[Span], *, calls: bool) -> int:
    """How much of the text after a reply belongs to its turn.

    rest: the text up to the next turn's own characters. alone: what is written where the conversation ends with
    this turn. specials: where special tokens stand in `rest`. calls: whether the turn ends
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
