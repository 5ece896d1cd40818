"""What a skill makes: one fact in all its wordings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Fact:
    """One thing a skill can ask or tell.

    statements: plain sentences, for the base model; the first one also identifies the fact.
    questions: how the pool asks for it.
    target_questions: how the target asks for it; empty for a skill that the target does not have.
    answer: the right answer. wrong: a believable false one.
    input: the text that the questions speak of (a list, a table), or "".
    """

    statements: tuple[str, ...]
    questions: tuple[str, ...]
    answer: str
    wrong: str
    target_questions: tuple[str, ...] = ()
    input: str = ""


Skill = Callable[[Random], Fact]
