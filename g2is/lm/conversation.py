"""An instruction in the shape that a chat template takes.

Templates differ in what they have a place for and in what they refuse; where one refuses a conversation the usual
remedies are tried, and noted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import Any

from g2is.instructions import Instruction, Message, ToolCall
from g2is.lm.notes import CALLS_AS_TEXT, NEW_IDS, RESULTS_AS_USER, SYSTEM_MOVED, TOOLS_AS_TEXT
from g2is.lm.template import Refused, Template


@dataclass(frozen=True)
class Shape:
    """How a template wants turns.

    objects: arguments of tool calls as objects, not as JSON text. content: of a turn that only calls, "" or None.
    parts: content as a list of parts, which some templates of vision models insist on.
    """

    objects: bool = True
    content: str | None = ""
    parts: bool = False


@dataclass(frozen=True)
class Conversation:
    """What is rendered. turns: of the instruction, after remedies. notes: the remedies, and what was made text."""

    turns: tuple[Message, ...]
    shape: Shape
    tools: list[dict[str, Any]] | None
    arguments: dict[str, Any]
    notes: tuple[str, ...]

    def messages(self) -> list[dict[str, Any]]:
        return [as_dict(turn, self.shape) for turn in self.turns]


def as_dict(turn: Message, shape: Shape) -> dict[str, Any]:
    """A turn as transformers documents it for chat templates."""
    fields: dict[str, Any] = {"role": turn.role, "content": turn.content}
    if turn.reasoning is not None:
        fields["reasoning_content"] = turn.reasoning
    if turn.tool_calls:
        fields["content"] = turn.content or shape.content
        fields["tool_calls"] = [
            {
                "type": "function",
                "function": {
                    "name": call.name,
                    "arguments": call.parsed_arguments if shape.objects else call.arguments,
                },
                **({} if call.id is None else {"id": call.id}),
            }
            for call in turn.tool_calls
        ]
    if shape.parts and fields["content"] is not None:
        fields["content"] = [{"type": "text", "text": fields["content"]}]
    if turn.tool_call_id is not None:
        fields["tool_call_id"] = turn.tool_call_id
    if turn.name is not None:
        fields["name"] = turn.name
    return fields


class Conversations:
    """Shapes instructions for one template."""

    def __init__(self, template: Template) -> None:
        self.template = template
        self._shapes: dict[bool, Shape | None] = {}

    def __call__(self, instruction: Instruction) -> tuple[Conversation, str]:
        """The conversation that the template takes, and its text. Raises Refused, with its first reason."""
        turns, notes = instruction.messages, []
        arguments = json.loads(instruction.template_kwargs) if instruction.template_kwargs else {}
        tools = parsed_tools(instruction)
        if instruction.tools and not (tools and self.template.mentions("tools", tools=tools)):
            turns, tools = tools_as_text(turns, instruction.tools), None
            notes.append(TOOLS_AS_TEXT)
        calling = sum(bool(turn.tool_calls) for turn in turns)
        shape = self._shape(tools) if calling else Shape(parts=self._parts)
        if shape is None:
            turns = calls_as_text(turns)
            notes += [CALLS_AS_TEXT] * calling
        first: Refused | None = None
        for remedied, remedies in _attempts(turns):
            conversation = Conversation(
                remedied, shape or Shape(parts=self._parts), tools, arguments, (*notes, *remedies)
            )
            try:
                return conversation, self.template.render(conversation.messages(), tools, arguments)
            except Refused as refused:
                first = first or refused
        assert first
        raise first

    @cached_property
    def _parts(self) -> bool:
        """Whether the template writes content in parts only."""

        def writes(shape: Shape) -> bool:
            turns = (Message("user", "heron"), Message("assistant", "egret"))
            try:
                text = self.template.render([as_dict(turn, shape) for turn in turns])
            except Refused:
                return False
            return "heron" in text and "egret" in text and "'text'" not in text

        return not writes(Shape()) and writes(Shape(parts=True))

    def _shape(self, tools: list[dict[str, Any]] | None) -> Shape | None:
        """The shape in which the template writes a call whole, None where it has no place for calls."""
        key = bool(tools)
        if key not in self._shapes:
            shapes = (
                Shape(objects, content, self._parts) for objects in (True, False) for content in ("", None)
            )
            self._shapes[key] = next((shape for shape in shapes if self._writes_calls(shape, tools)), None)
        return self._shapes[key]

    def _writes_calls(self, shape: Shape, tools: list[dict[str, Any]] | None) -> bool:
        call = ToolCall("heron_find", '{"wading": "egret"}', "q7w8e9r0t")
        turns = (
            Message("user", "Find it."),
            Message("assistant", "", tool_calls=(call,)),
            Message("tool", "found", tool_call_id=call.id, name=call.name),
            Message("assistant", "Found."),
        )
        for conversation, _ in _attempts(turns, (_results_as_user,)):
            try:
                text = self.template.render([as_dict(turn, shape) for turn in conversation], tools)
            except Refused:
                continue
            # Python's notation for an object, and JSON inside JSON, are signs of the other form.
            wrong = "'wading'" in text or '\\"wading' in text or ("None" in text and shape.content is None)
            return all(word in text for word in ("heron_find", "wading", "egret")) and not wrong
        return False


def parsed_tools(instruction: Instruction) -> list[dict[str, Any]] | None:
    """The tools as transformers documents them: objects of type and function. None where they are something else."""
    try:
        tools = json.loads(instruction.tools or "null")
    except (ValueError, RecursionError):
        return None
    tools = [tools] if isinstance(tools, dict) else tools
    if not isinstance(tools, list) or not tools or not all(isinstance(tool, dict) for tool in tools):
        return None
    return [
        {"type": "function", "function": tool} if "function" not in tool and "name" in tool else tool
        for tool in tools
    ]


def tools_as_text(turns: Sequence[Message], tools: str) -> tuple[Message, ...]:
    """The turns with the tool descriptions in the system turn, for formats without a place for them."""
    system, rest = "", tuple(turns)
    if rest[0].role == "system":
        system, rest = rest[0].content.strip() + "\n", rest[1:]
    return (Message("system", f"{system}Tools: {tools}"), *rest)


def calls_as_text(turns: Sequence[Message]) -> tuple[Message, ...]:
    return tuple(
        replace(turn, content=replace(turn, reasoning=None).text, tool_calls=()) if turn.tool_calls else turn
        for turn in turns
    )


Remedy = Callable[[tuple[Message, ...]], tuple[tuple[Message, ...], list[str]]]


def _attempts(
    turns: tuple[Message, ...], remedies: Sequence[Remedy] | None = None
) -> Iterator[tuple[tuple[Message, ...], list[str]]]:
    """The turns as they are, then under one remedy, under two and so on."""
    yield turns, []
    useful = [remedy for remedy in remedies or _REMEDIES if remedy(turns)[1]]
    for size in range(1, len(useful) + 1):
        for chosen in combinations(useful, size):
            remedied, notes = turns, []
            for remedy in chosen:
                remedied, more = remedy(remedied)
                notes += more
            yield remedied, notes


def _system_in_user(turns: tuple[Message, ...]) -> tuple[tuple[Message, ...], list[str]]:
    """For templates that know no system turn (Gemma)."""
    if turns[0].role != "system":
        return turns, []
    system, *rest = turns
    first = next(i for i, turn in enumerate(rest) if turn.role == "user")
    joined = replace(rest[first], content=f"{system.content}\n\n{rest[first].content}")
    return (*rest[:first], joined, *rest[first + 1 :]), [SYSTEM_MOVED]


def _new_ids(turns: tuple[Message, ...]) -> tuple[tuple[Message, ...], list[str]]:
    """For templates that want ids of nine letters and digits (Mistral): by their order, answers to their calls."""
    names: dict[str, str] = {}
    unanswered: list[str] = []
    number, changed = 0, []
    for turn in turns:
        calls = []
        for call in turn.tool_calls:
            number += 1
            new = f"call{number:05}"
            names[call.id or new] = new
            unanswered.append(new)
            calls.append(replace(call, id=new))
        if turn.role == "tool":
            new = names.get(turn.tool_call_id or "") or (unanswered[0] if unanswered else "call00000")
            if new in unanswered:
                unanswered.remove(new)
            turn = replace(turn, tool_call_id=new)
        changed.append(replace(turn, tool_calls=tuple(calls)))
    return tuple(changed), [NEW_IDS] * (number > 0)


def _results_as_user(turns: tuple[Message, ...]) -> tuple[tuple[Message, ...], list[str]]:
    results = sum(turn.role == "tool" for turn in turns)
    as_user = tuple(Message("user", turn.content) if turn.role == "tool" else turn for turn in turns)
    return as_user, [RESULTS_AS_USER] * results


def _calls_in_text(turns: tuple[Message, ...]) -> tuple[tuple[Message, ...], list[str]]:
    """For templates that take one call a turn (Llama 3.1)."""
    return calls_as_text(turns), [CALLS_AS_TEXT] * sum(bool(turn.tool_calls) for turn in turns)


_REMEDIES: tuple[Remedy, ...] = (_system_in_user, _new_ids, _results_as_user, _calls_in_text)
