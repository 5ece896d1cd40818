"""One record's fields -> a conversation. Where the record comes from is not known here.

A record is recognised by its own fields; the first shape in `SHAPES` that fits is taken. A new shape is one function
that tells it, one that reads it, and one line in `SHAPES`; a new name for a field is one word in `names`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from g2is.instructions.columns import Columns
from g2is.instructions.fields import BadRecord, names, text
from g2is.instructions.names import (
    CARRIERS,
    CONTEXTS,
    CONVERSATIONS,
    OPTIONS,
    PROMPTS,
    REASONING,
    RESPONSES,
    SYSTEMS,
    plain,
)
from g2is.instructions.record import parse
from g2is.instructions.repairs import repair
from g2is.instructions.shapes.conversations import conversation_field, read_turns
from g2is.instructions.shapes.others import (
    has_calls,
    has_tree,
    is_lone_message,
    read_calls,
    read_lone_message,
    read_tree,
)
from g2is.instructions.shapes.pairs import find_pair, missing_part, read_pair
from g2is.instructions.shapes.preferences import (
    LeftOut,
    has_preference,
    has_ranked,
    read_preference,
    read_ranked,
    refuse_undesirable,
)
from g2is.instructions.shapes.transcripts import read_transcript
from g2is.instructions.shapes.view import View, as_text
from g2is.instructions.turns import Message, read_template_kwargs, read_tools

Turns = tuple[str, list[Message]]
"""The name of a shape, and the turns read by it."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """What a record holds; see `Instruction` for the fields.

    used, unused: fields of the record that went into it and that did not. repairs: what was changed, with counts.
    """

    messages: tuple[Message, ...]
    format: str
    task: str | None
    tools: str | None
    template_kwargs: str | None
    used: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    repairs: Counter[str] = field(default_factory=Counter)


class Shape(NamedTuple):
    """A way in which records hold conversations: its name, whether a record is of it, and its turns."""

    name: str
    fits: Callable[[View], Any]
    read: Callable[[View], Turns]


def _read_list(view: View, name: str) -> Turns:
    refuse_undesirable(view, "label", "kto_tag")
    shape = {"messages": "messages", "conversations": "sharegpt"}.get(name, "conversation")
    if name not in view.record and not view.has(name):
        raise BadRecord(f'"{name}" is missing, expected it beside {names(view.record)}')
    return shape, read_turns(view.take(name), f'"{view.spelt(name)}"')


def _read_conversation(view: View) -> Turns:
    return _read_list(view, conversation_field(view) or "messages")


def _read_pair(view: View) -> Turns:
    pair = find_pair(view)
    if pair is None:
        raise missing_part(view)
    refuse_undesirable(view, "kto_tag", *(["label"] if pair.name == "prompt_completion" else []))
    return read_pair(view, pair)


def _has_text(view: View) -> Any:
    value = view.look("text") or view.look("chat") or view.look("conversation")
    return isinstance(value, str) and read_transcript(value)


def _read_text(view: View) -> Turns:
    name = next(name for name in ("text", "chat", "conversation") if isinstance(view.look(name), str))
    return "text", read_transcript(view.take(name)) or []


SHAPES = (
    Shape("message_tree", has_tree, read_tree),
    Shape("message", is_lone_message, read_lone_message),
    Shape(
        "conversation", lambda view: conversation_field(view) and not has_preference(view), _read_conversation
    ),
    Shape("preference", has_preference, read_preference),
    Shape("ranked", has_ranked, read_ranked),
    Shape("function_calls", has_calls, read_calls),
    Shape("fields", find_pair, _read_pair),
    Shape("text", _has_text, _read_text),
)
"""In the order in which they are tried."""

_BY_NAME: dict[str, Callable[[View], Turns]] = {
    "messages": lambda view: _read_list(view, "messages"),
    "sharegpt": lambda view: _read_list(view, "conversations"),
    **{
        name: lambda view, name=name: _forced_pair(view, name)  # type: ignore[misc]
        for name in ("alpaca", "prompt_completion", "question_answer")
    },
}
ASKED = tuple(dict.fromkeys((*_BY_NAME, *(shape.name for shape in SHAPES))))
"""Names of the shapes that can be asked for."""
FORMATS = (*ASKED, "columns")
"""Names of all shapes."""


def read_record(raw: bytes, format: str = "auto", columns: Columns | None = None) -> Conversation:
    """The conversation of one record.

    format: one of `ASKED`, or "auto". columns: the columns that were named by hand. Raises BadRecord, or LeftOut for a
    record that is not meant to be trained.
    """
    try:
        view = View(parse(raw), columns)
        name, turns = _read_named(view) or _read(view, format)
        _add_system(view, turns)
        messages = repair(turns, view.repairs)
        return Conversation(
            messages=messages,
            format=name,
            task=_task(view),
            tools=_tools(view),
            template_kwargs=read_template_kwargs(view.take("chat_template_kwargs")),
            used=tuple(view.used),
            unused=tuple(view.unused(turn.content for turn in messages)),
            repairs=view.repairs,
        )
    except RecursionError:
        raise BadRecord("nested too deeply to read, expected a flat record") from None


def _read(view: View, format: str) -> Turns:
    if format in _BY_NAME:
        return _BY_NAME[format](view)
    for shape in SHAPES:
        if shape.name == format:
            return shape.read(view)
    for shape in SHAPES:
        if shape.fits(view):
            return shape.read(view)
    for name in CONVERSATIONS:
        if view.has(name):
            return _read_list(view, name)
    if any(view.has(name) for name in (*PROMPTS, *RESPONSES)):
        raise missing_part(view)
    raise BadRecord(
        f"no format known for {names(view.record)}, expected one of messages, conversations, instruction/output, "
        "prompt/completion, question/answer; or name the fields: --columns prompt=…,response=…"
    )


def _forced_pair(view: View, name: str) -> Turns:
    pair = find_pair(view, name)
    if pair is None:
        raise missing_part(view, name)
    return read_pair(view, pair)


def _read_named(view: View) -> Turns | None:
    """The turns of the columns that were named by hand; None where neither question nor answer was.

    A part that was not named is looked for as in any record; what a named question holds is all of it.
    """
    parts = view.parts
    if "messages" in parts:
        return "columns", read_turns(parts["messages"], '"messages" of --columns')
    hidden = {*CONVERSATIONS, *REASONING, "history"}
    hidden.update((*PROMPTS, *CONTEXTS, *OPTIONS) if "prompt" in parts else ())
    hidden.update(RESPONSES if "response" in parts else ())
    if "prompt" not in parts and "response" not in parts:
        return None
    own = {name: value for name, value in view.record.items() if plain(name) not in hidden}
    called = {"prompt": "prompt", "response": "completion", "reasoning": "reasoning"}
    rest = View(own | {called[part]: parts[part] for part in called if part in parts})
    pair = find_pair(rest)
    if pair is None:
        raise missing_part(rest)
    _, turns = read_pair(rest, pair)
    view.use(*(name for name in rest.used if name in own))
    view.repairs.update(rest.repairs)
    return "columns", turns


def _add_system(view: View, turns: list[Message]) -> None:
    """Put the system prompt of a field of its own before the turns.

    As LLaMA-Factory does: a system turn of the conversation itself comes before the field.
    """
    if any(turn.role == "system" and turn.content.strip() for turn in turns[:1]):
        return
    if "system" in view.parts:
        system = as_text(view.parts["system"] or "", '"system" of --columns')
    else:
        name = next(iter(view.of(SYSTEMS)), None)
        if name is None:
            return
        system = text(view.take(name), f'"{view.spelt(name)}"')
    if system.strip():
        turns.insert(0, Message("system", system))


def _task(view: View) -> str | None:
    task = view.parts.get("task", view.look("task"))
    if not isinstance(task, str) or not task.strip():
        return None
    view.take("task")
    return text(task, '"task"')


def _tools(view: View) -> str | None:
    if "tools" in view.parts:
        return read_tools(view.parts["tools"])
    tools = view.take("tools")
    if tools is None and view.has("available_tools"):
        tools = view.take("available_tools")
    return read_tools(tools, view.take("functions"))


def carries_task(name: str) -> bool:
    """Whether a field of that name usually carries the task or the way to its answer."""
    return plain(name) in CARRIERS


__all__ = ["ASKED", "FORMATS", "SHAPES", "Conversation", "LeftOut", "carries_task", "read_record"]
