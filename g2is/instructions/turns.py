"""One turn of a conversation: what it holds, and how it is read from the spellings that files use.

OpenAI's messages (role, content, tool_calls, tool_call_id, name, weight), ShareGPT's (from, value), the reasoning
fields of vLLM, DeepSeek and gpt-oss, and the marks of turns that are not to be trained of axolotl (train),
Mistral (weight), ms-swift (loss) and torchtune (masked).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from g2is.instructions.fields import BadRecord, as_json, filled, parsed, shown, text, without_nulls

ROLES = {
    "system": "system",
    "developer": "system",
    "sys": "system",
    "system_prompt": "system",
    "user": "user",
    "human": "user",
    "prompter": "user",
    "usr": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bard": "assistant",
    "bing": "assistant",
    "model": "assistant",
    "bot": "assistant",
    "chatbot": "assistant",
    "ai": "assistant",
    "llm": "assistant",
    "claude": "assistant",
    "gemini": "assistant",
    "function_call": "assistant",
    "tool_call": "assistant",
    "tool": "tool",
    "function": "tool",
    "observation": "tool",
    "function_response": "tool",
    "tool_response": "tool",
    "tool_result": "tool",
    "tool_output": "tool",
    "ipython": "tool",
    "environment": "tool",
}
USUAL = "system, user, human, assistant, gpt, tool, observation or another usual name"
_CALLS = ("function_call", "tool_call")
_ROLE_KEYS = ("from", "role", "speaker", "author", "sender")
_CONTENT_KEYS = ("content", "value", "text", "message", "utterance", "parts")
REASONING_FIELDS = ("reasoning_content", "reasoning", "thinking", "thought")
_SPANS = ("train_detail", "training_detail")
"""Axolotl's marks of spans inside a reply."""
_TRAINED_WHERE_TRUE = ("train", "training", "trainable", "weight", "loss", "loss_weight")
_TRAINED_WHERE_FALSE = ("masked",)
OPTIONAL = ("reasoning", "tool_call_id", "name")
"""Fields of a turn that few have."""
_TEXT_PARTS = ("text", "input_text", "output_text")


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool by the assistant.

    arguments: JSON text, as it stands in the source where it is text there. id: what the tool's answer refers to.
    """

    name: str
    arguments: str = "{}"
    id: str | None = None

    @property
    def parsed_arguments(self) -> dict[str, Any] | str:
        """The arguments as an object, or the text where it is no JSON object."""
        value = parsed(self.arguments)
        return value if isinstance(value, dict) else self.arguments


@dataclass(frozen=True, slots=True)
class Message:
    """One turn.

    role: "system", "user", "assistant" or "tool". content: its text, empty where a turn only reasons or calls.
    reasoning: what the assistant thinks before it answers, where the source has it in a field of its own.
    tool_calls: what the assistant calls after the content. tool_call_id: the call that a tool turn answers.
    name: of the tool, or of the speaker. trained: False for a reply that the source excludes from the loss. in_part:
    whether the source weights a reply by other than 0 and 1, or trains only spans of it; it is trained whole here.
    """

    role: str
    content: str
    reasoning: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    name: str | None = None
    trained: bool = True
    in_part: bool = field(default=False, compare=False)

    @property
    def text(self) -> str:
        """All that the turn says as one text, for reading and for formats without fields of their own."""
        thought = f"<think>\n{self.reasoning}\n</think>\n\n" if self.reasoning else ""
        return thought + "\n".join(part for part in (self.content, calls_as_text(self.tool_calls)) if part)


def calls_as_text(calls: Sequence[ToolCall]) -> str:
    """JSON of name and arguments: an object for one call, a list for several, as LLaMA-Factory reads them."""
    objects = [{"name": call.name, "arguments": call.parsed_arguments} for call in calls]
    return "" if not objects else as_json(objects if len(objects) > 1 else objects[0])


def spelling(role: str) -> str:
    """The name of a role as `ROLES` has it."""
    return role.strip().lower().replace("-", "_").replace(" ", "_")


def is_turn(value: Any) -> bool:
    """Whether a value is meant to be a turn: an object that names its speaker."""
    return isinstance(value, dict) and any(key in value for key in _ROLE_KEYS)


def read_turn(turn: Any, where: str) -> Message:
    """The turn of a record; where: its place for complaints. Raises BadRecord.

    role/content and from/value are both read under either name: files mix them. A reply may be empty.
    """
    if not isinstance(turn, dict):
        raise BadRecord(f"{where} is {shown(turn)}, expected an object with role and content")
    role_key = next((key for key in _ROLE_KEYS if turn.get(key) is not None), "role")
    own = "value" if role_key == "from" else "content"
    content_key = next((key for key in (own, *_CONTENT_KEYS) if turn.get(key) is not None), own)
    name_of_role = turn.get(role_key)
    kind = spelling(name_of_role) if isinstance(name_of_role, str) else ""
    role = ROLES.get(kind)
    if role is None:
        raise BadRecord(f'"{role_key}" of {where} is {shown(name_of_role)}, expected one of {USUAL}')
    where = f'"{content_key}" of {where} ({name_of_role})'
    content, thought = _content(turn.get(content_key), where, may_be_json=role == "tool")
    name, call_id = _label(turn, "name", where), _label(turn, "tool_call_id", where)
    if role != "assistant":
        # A tool may well answer nothing.
        checked = text(content, where) if role in ("system", "tool") else filled(content, where)
        return Message(role, checked, tool_call_id=call_id, name=name)
    calls = _tool_calls(turn, where)
    if kind in _CALLS and not calls and isinstance(content, str):
        calls = _calls_in_text(content, where)
        content = "" if calls else content
    reasoning = _reasoning(turn, where) or thought
    return Message(
        role, "" if content is None else text(content, where),
        reasoning=reasoning, tool_calls=calls, name=name, trained=_is_trained(turn), in_part=_is_in_part(turn),
    )  # fmt: skip


def read_tools(tools: Any, functions: Any = None) -> str | None:
    """JSON text of the tools a record offers. functions: the field of the same use in OpenAI's earlier format."""
    if tools is None and isinstance(functions, list):
        tools = [{"type": "function", "function": function} for function in functions]
    if not isinstance(tools, str | list | dict | None):
        raise BadRecord(f'"tools" is {shown(tools)}, expected a list of tools or their JSON as text')
    if not tools or (isinstance(tools, str) and tools.strip() in ("", "[]", "null")):
        return None
    return text(tools if isinstance(tools, str) else as_json(without_nulls(tools)), '"tools"')


def read_template_kwargs(value: Any) -> str | None:
    """JSON text of the arguments that a record gives to the chat template (TRL's `chat_template_kwargs`)."""
    given = parsed(value) if isinstance(value, str) and value.strip() else value or None
    if not isinstance(given, dict | None):
        raise BadRecord(f'"chat_template_kwargs" is {shown(value)}, expected an object of template arguments')
    given = without_nulls(given)
    return text(as_json(given), '"chat_template_kwargs"') if given else None


def _content(content: Any, where: str, *, may_be_json: bool) -> tuple[Any, str | None]:
    """The content with its text parts joined, and the reasoning among its parts."""
    if may_be_json and (isinstance(content, dict) or (isinstance(content, list) and not _are_parts(content))):
        return as_json(content), None
    if isinstance(content, bool | int | float):
        return as_json(content), None
    if not isinstance(content, list):
        return content, None
    texts, thoughts = [], []
    for part in content:
        if isinstance(part, dict) and part.get("type") in ("thinking", "reasoning"):
            thoughts.append(_thinking_part(part, where))
        else:
            texts.append(_text_part(part, where))
    return "\n".join(texts) if texts else None, "\n".join(thoughts) or None


def _are_parts(content: list[Any]) -> bool:
    return bool(content) and all(
        isinstance(part, dict) and isinstance(part.get("type"), str) for part in content
    )


def _text_part(part: Any, where: str) -> str:
    if isinstance(part, str):
        return text(part, f"a text part of {where}")
    if not isinstance(part, dict) or part.get("type") not in _TEXT_PARTS:
        raise BadRecord(f'{where} has a part {shown(part)}, expected {{"type": "text", "text": …}} only')
    return text(part.get("text"), f"a text part of {where}")


def _thinking_part(part: dict[str, Any], where: str) -> str:
    """Anthropic gives text, Mistral a list of text parts."""
    thought = next(
        (part[key] for key in ("thinking", "reasoning", "text") if part.get(key) is not None), None
    )
    if isinstance(thought, list):
        return "\n".join(_text_part(piece, where) for piece in thought)
    return text(thought, f"a thinking part of {where}")


def _reasoning(turn: dict[str, Any], where: str) -> str | None:
    for name in REASONING_FIELDS:
        value = turn.get(name)
        if isinstance(value, str) and value.strip():
            return text(value, f'"{name}" beside {where}')
    return None


def _label(turn: dict[str, Any], name: str, where: str) -> str | None:
    value = turn.get(name)
    return text(value, f'"{name}" beside {where}') if isinstance(value, str) and value else None


def _tool_calls(turn: dict[str, Any], where: str) -> tuple[ToolCall, ...]:
    calls, legacy = turn.get("tool_calls"), turn.get("function_call")
    if isinstance(calls, str) and isinstance(parsed(calls), list):
        calls = parsed(calls)
    if calls and (not isinstance(calls, list) or not all(isinstance(call, dict) for call in calls)):
        raise BadRecord(f'"tool_calls" beside {where} is {shown(calls)}, expected a list of objects')
    if not calls and isinstance(legacy, dict) and legacy.get("name"):
        calls = [legacy]  # OpenAI's earlier format: one call, without an id
    return tuple(_call(call, f'"tool_calls" beside {where}') for call in calls or ())


def _call(call: dict[str, Any], where: str) -> ToolCall:
    function = call.get("function") or call
    if isinstance(function, str):  # Anthropic and Cohere write the name so
        function = {**call, "name": function}
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(name, str) or not name:
        raise BadRecord(f"{where} has a call {shown(call)}, expected a function with a name")
    arguments = function.get("arguments", function.get("parameters"))
    if arguments is None:
        arguments = {}
    number = call.get("id")
    return ToolCall(
        text(name, where),
        text(arguments if isinstance(arguments, str) else as_json(without_nulls(arguments)), where),
        None if number is None or number == "" else text(str(number), where),
    )


def _calls_in_text(content: str, where: str) -> tuple[ToolCall, ...]:
    """The calls that a ShareGPT `function_call` turn writes as JSON; none where it is other text."""
    calls = parsed(content)
    calls = [calls] if isinstance(calls, dict) else calls
    if not isinstance(calls, list) or not all(
        isinstance(c, dict) and isinstance(c.get("name"), str) for c in calls
    ):
        return ()
    return tuple(_call(call, where) for call in calls if call["name"])


def _is_trained(turn: dict[str, Any]) -> bool:
    marks = [_truth(turn.get(name)) for name in _TRAINED_WHERE_TRUE]
    excluded = [_truth(turn.get(name)) for name in _TRAINED_WHERE_FALSE]
    return False not in marks and True not in excluded


def _is_in_part(turn: dict[str, Any]) -> bool:
    weights = [_number(turn.get(name)) for name in _TRAINED_WHERE_TRUE]
    return any(weight not in (None, 0, 1) for weight in weights) or any(turn.get(name) for name in _SPANS)


def _number(value: Any) -> float | None:
    value = parsed(value) if isinstance(value, str) else value
    return value if isinstance(value, int | float) else None


def _truth(value: Any) -> bool | None:
    """A mark as files write it: a truth value, a weight, or either as text."""
    if isinstance(value, str):
        value = {"true": True, "yes": True, "false": False, "no": False}.get(
            value.strip().lower(), parsed(value)
        )
    return value != 0 if isinstance(value, bool | int | float) else None


def messages_as_json(messages: Sequence[Message]) -> str:
    """Turns as JSON text: a list of role and content, with the other fields of `Message` where a turn has them."""
    return json.dumps([_turn(message) for message in messages], ensure_ascii=False)


def _turn(message: Message) -> dict[str, Any]:
    turn: dict[str, Any] = {"role": message.role, "content": message.content}
    for name in OPTIONAL:
        if (value := getattr(message, name)) is not None:
            turn[name] = value
    if message.tool_calls:
        turn["tool_calls"] = [
            {"name": call.name, "arguments": call.arguments, "id": call.id} for call in message.tool_calls
        ]
    if not message.trained:
        turn["trained"] = False
    return turn
