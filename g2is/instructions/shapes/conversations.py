"""Lists of turns, in every way files write them."""

from __future__ import annotations

from typing import Any

from g2is.instructions.fields import BadRecord, shown
from g2is.instructions.names import CONVERSATIONS, PROMPTS, RESPONSES, plain
from g2is.instructions.shapes.view import View, as_list, filled_text
from g2is.instructions.turns import Message, is_turn, read_turn


def read_turns(value: Any, where: str) -> list[Message]:
    """The turns of a list: objects with a role, objects or pairs of question and answer, or texts by turns.

    where: what complaints call the list. Raises BadRecord.
    """
    turns = as_list(value, where)
    if turns and all(isinstance(turn, str) for turn in turns):
        roles = ("user", "assistant")
        return [Message(roles[place % 2], turn) for place, turn in enumerate(turns)]
    messages: list[Message] = []
    for number, turn in enumerate(turns, 1):
        place = f"turn {number}"
        if pair := _pair(turn):
            messages += [
                Message("user", filled_text(pair[0], f"the question of {place}")),
                Message("assistant", filled_text(pair[1], f"the answer of {place}")),
            ]
        else:
            messages.append(read_turn(turn, place))
    return messages


def _pair(turn: Any) -> tuple[Any, Any] | None:
    """Question and answer of an item that holds both."""
    if isinstance(turn, list) and len(turn) == 2 and all(isinstance(part, str) for part in turn):
        return turn[0], turn[1]
    if not isinstance(turn, dict) or is_turn(turn):
        return None
    fields = {plain(name): value for name, value in turn.items() if value is not None}
    asked = [name for name in PROMPTS if name in fields]
    answered = [name for name in RESPONSES if name in fields]
    return (fields[asked[0]], fields[answered[0]]) if asked and answered else None


def conversation_field(view: View) -> str | None:
    """The field that holds the conversation."""
    for name in (*CONVERSATIONS, "data"):
        value = view.look(name)
        if isinstance(value, str) and value.lstrip().startswith("["):
            return name
        if (
            isinstance(value, dict)
            and name != "data"
            and value
            and all(isinstance(v, list) for v in value.values())
        ):
            return name
        if isinstance(value, list) and value and (name != "data" or isinstance(value[0], str | dict | list)):
            return name
    # What is called so but is no list is complained about, unless the record can be read otherwise.
    return None


def read_history(view: View) -> list[Message]:
    """Earlier turns beside a question: pairs of question and answer, or turns."""
    history = view.take("history")
    if history is None or history == "":
        return []
    if not isinstance(history, list | str) or (
        isinstance(history, str) and not history.lstrip().startswith("[")
    ):
        raise BadRecord(f'"history" is {shown(history)}, expected a list of [prompt, response] pairs')
    messages: list[Message] = []
    for number, item in enumerate(as_list(history, '"history"'), 1):
        if isinstance(item, dict):
            messages += read_turns([item], '"history"')
            continue
        if not isinstance(item, list) or len(item) != 2:
            raise BadRecord(f'item {number} of "history" is {shown(item)}, expected [prompt, response]')
        for role, part, text in zip(("user", "assistant"), ("prompt", "response"), item, strict=True):
            messages.append(Message(role, filled_text(text, f'the {part} of item {number} of "history"')))
    return messages
