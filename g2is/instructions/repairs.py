"""Irregular conversations: what can be trained is kept, and what was changed is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from g2is.instructions.fields import BadRecord
from g2is.instructions.turns import Message

TRAILING = "turns after the last reply dropped"
EMPTY = "empty reply not trained"
JOINED = "consecutive user turns joined"
UNTRAINED = "reply marked as not to be trained"
WHOLE = "reply weighted or marked in part, trained whole"


def repair(messages: Sequence[Message], repairs: Counter[str]) -> tuple[Message, ...]:
    """The conversation with at least one question and, at its end, a reply.

    Empty system turns are left out, as many tools write them where there is no system prompt. repairs: counts each
    kind of change once a conversation. Raises BadRecord where nothing is left to train.
    """
    turns: list[Message] = []
    for message in messages:
        if message.role == "system" and not message.content.strip():
            continue
        if message.role == "assistant" and _is_empty(message):
            message = replace(message, content="", trained=False)
        if turns and message.role == "user" == turns[-1].role:
            # Templates that ask for alternation refuse them, and no reply stands between.
            turns[-1] = replace(turns[-1], content=f"{turns[-1].content}\n\n{message.content}")
            repairs[JOINED] = 1
            continue
        turns.append(message)
    roles = [turn.role for turn in turns]
    if "user" not in roles:
        raise BadRecord("no user turn, expected a question and an assistant's reply")
    if "assistant" not in roles:
        raise BadRecord("no assistant turn, expected a reply to train on")
    end = len(turns)
    while end and (turns[end - 1].role != "assistant" or _is_empty(turns[end - 1])):
        end -= 1
    if "user" not in roles[:end]:
        if "assistant" in roles[roles.index("user") :]:
            raise BadRecord("every reply is empty, expected one with text to train on")
        raise BadRecord("no assistant turn after the question, expected a reply to train on")
    if any(role != "assistant" for role in roles[end:]):
        repairs[TRAILING] = 1
    if any(turn.role == "assistant" and _is_empty(turn) for turn in turns):
        repairs[EMPTY] = 1
    kept = tuple(turns[:end])
    if any(turn.role == "assistant" and not turn.trained and not _is_empty(turn) for turn in kept):
        repairs[UNTRAINED] = 1
    if any(turn.in_part and turn.trained for turn in kept):
        repairs[WHOLE] = 1
    return kept


def _is_empty(turn: Message) -> bool:
    return not (turn.content.strip() or turn.reasoning or turn.tool_calls)
