"""One record's bytes -> a conversation. Where the bytes come from is not known here.

The readings are those that LLaMA-Factory documents for Alpaca and ShareGPT, and OpenAI's for messages. A
record is recognised by its own fields; where several formats fit, the first in this order is taken:

    messages           messages: turns with role and content
    sharegpt           conversations: turns with from and value
    alpaca             instruction, input, history, output
    prompt_completion  prompt, completion
    question_answer    question, answer

In each, `system`, `tools` and `task` are read too, and a field that is null counts as absent.
"""

from __future__ import annotations

import json
import reprlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bard": "assistant",
    "bing": "assistant",
    "function_call": "assistant",
    "tool": "tool",
    "observation": "tool",
    "function_response": "tool",
}
LONGEST = 2**26
"""Bytes that a record may have: no instruction is that long, and parsing takes several times as much memory."""

_JSON_TYPES = {
    type(None): "null",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "an object",
}
_SHORT = reprlib.Repr()
_SHORT.maxlevel, _SHORT.maxlist, _SHORT.maxdict, _SHORT.maxstring, _SHORT.maxlong = 2, 3, 3, 56, 56


class BadRecord(Exception):
    """What is wrong with one record and what was expected, in one line without its place."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn. role: "system", "user", "assistant" or "tool"."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """What a record says; see `Instruction` for the fields."""

    messages: tuple[Message, ...]
    format: str
    task: str | None
    tools: str | None


def read_record(raw: bytes, format: str = "auto") -> Conversation:
    """The conversation of one record. format: one of `FORMATS`, or "auto". Raises BadRecord."""
    try:
        record = _parsed(raw)
        name = _recognised(record) if format == "auto" else format
        messages = _READERS[name][1](record)
        system = _optional_text(record, "system")
        # LLaMA-Factory: a system turn of the conversation itself comes before the field.
        if system.strip() and messages and messages[0].role != "system":
            messages.insert(0, Message("system", system))
        _check_turns(messages)
        task = record.get("task")
        return Conversation(
            messages=tuple(messages),
            format=name,
            task=_text(task, '"task"') if isinstance(task, str) and task.strip() else None,
            tools=_tools(record.get("tools")),
        )
    except RecursionError:
        raise BadRecord("nested too deeply to read, expected a flat record") from None


def _parsed(raw: bytes) -> dict[str, Any]:
    if len(raw) > LONGEST:
        raise BadRecord(f"is longer than {LONGEST >> 20} MiB, expected an instruction")
    try:
        record = _DECODER.decode(raw.decode())
    except UnicodeDecodeError as fault:
        byte = raw[fault.start]
        raise BadRecord(f"invalid UTF-8 at byte {fault.start + 1} (0x{byte:02x}), expected UTF-8") from None
    except json.JSONDecodeError as fault:
        # Counted from the record's start: only arrays can spread a record over lines.
        place = f"column {fault.colno}" if fault.lineno == 1 else f"line {fault.lineno} of the record"
        near = fault.doc[max(0, fault.pos - 15) : fault.pos + 15]
        raise BadRecord(
            f"bad JSON at {place} near {near!r} ({fault.msg}), expected one whole JSON object "
            "(in JSON Lines: on one line)"
        ) from None
    except ValueError:  # what int() says to more than 4,300 digits
        raise BadRecord("a number of thousands of digits, expected an ordinary one") from None
    if not isinstance(record, dict):
        raise BadRecord(f"the record is {_shown(record)}, expected an object {{…}}")
    return record


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """JSON parsers disagree about which of two equal keys counts, and one of them would be lost."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        twice = next(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
        raise BadRecord(f"the key {_SHORT.repr(twice)} stands twice in one object, expected once")
    return fields


_DECODER = json.JSONDecoder(object_pairs_hook=_without_repeats)


def _recognised(record: dict[str, Any]) -> str:
    present = {field for field, value in record.items() if value is not None}
    for name, (fields, _) in _READERS.items():
        if present.issuperset(fields):
            return name
    # A record that lacks a field is told so by the format that it comes close to.
    for name, (fields, _) in _READERS.items():
        if not present.isdisjoint(fields):
            return name
    wanted = ", ".join("/".join(fields) for fields, _ in _READERS.values())
    raise BadRecord(f"no format known for {_names(record)}, expected one of {wanted}")


def _messages(record: dict[str, Any]) -> list[Message]:
    return _turns(record, "messages")


def _sharegpt(record: dict[str, Any]) -> list[Message]:
    return _turns(record, "conversations")


def _alpaca(record: dict[str, Any]) -> list[Message]:
    messages = []
    history = record.get("history")
    if not isinstance(history, list | None):
        raise BadRecord(f'"history" is {_shown(history)}, expected a list of [prompt, response] pairs')
    for number, pair in enumerate(history or [], 1):
        if not isinstance(pair, list) or len(pair) != 2:
            raise BadRecord(f'item {number} of "history" is {_shown(pair)}, expected [prompt, response]')
        messages.append(Message("user", _filled(pair[0], f'the prompt of item {number} of "history"')))
        messages.append(Message("assistant", _filled(pair[1], f'the response of item {number} of "history"')))
    parts = [_text(_field(record, "instruction"), '"instruction"'), _optional_text(record, "input")]
    prompt = _filled("\n".join(part for part in parts if part), '"instruction" with "input"')
    return [*messages, Message("user", prompt), _reply(record, "output")]


def _prompt_completion(record: dict[str, Any]) -> list[Message]:
    prompt = _filled(_field(record, "prompt"), '"prompt"')
    return [Message("user", prompt), _reply(record, "completion")]


def _question_answer(record: dict[str, Any]) -> list[Message]:
    question = _filled(_field(record, "question"), '"question"')
    return [Message("user", question), _reply(record, "answer")]


_READERS: dict[str, tuple[tuple[str, ...], Callable[[dict[str, Any]], list[Message]]]] = {
    "messages": (("messages",), _messages),
    "sharegpt": (("conversations",), _sharegpt),
    "alpaca": (("instruction", "output"), _alpaca),
    "prompt_completion": (("prompt", "completion"), _prompt_completion),
    "question_answer": (("question", "answer"), _question_answer),
}
FORMATS = tuple(_READERS)


def _turns(record: dict[str, Any], field: str) -> list[Message]:
    turns = _field(record, field)
    if not isinstance(turns, list):
        raise BadRecord(f'"{field}" is {_shown(turns)}, expected a list of turns')
    messages = [_turn(turn, f"turn {number}") for number, turn in enumerate(turns, 1)]
    # Written by many tools where there is no system prompt.
    return [message for message in messages if message.role != "system" or message.content.strip()]


def _turn(turn: Any, where: str) -> Message:
    """role/content and from/value are both read under either name: files mix them."""
    if not isinstance(turn, dict):
        raise BadRecord(f"{where} is {_shown(turn)}, expected an object with role and content")
    role_key, content_key = ("from", "value") if turn.get("from") is not None else ("role", "content")
    name, content = turn.get(role_key), turn.get(content_key)
    role = ROLES.get(name) if isinstance(name, str) else None
    if role is None:
        raise BadRecord(f'"{role_key}" of {where} is {_shown(name)}, expected one of {", ".join(ROLES)}')
    where = f'"{content_key}" of {where} ({name})'
    if isinstance(content, list):
        content = "\n".join(_text_part(part, where) for part in content)
    calls = turn.get("tool_calls")
    if role == "assistant" and calls:
        spoken = "" if content is None else _text(content, where)
        content = "\n".join(text for text in (spoken, _tool_calls(calls, where)) if text)
    may_be_blank = role in ("system", "tool")  # a tool may well answer nothing
    return Message(role, _text(content, where) if may_be_blank else _filled(content, where))


def _text_part(part: Any, where: str) -> str:
    if not isinstance(part, dict) or part.get("type") != "text":
        raise BadRecord(f'{where} has a part {_shown(part)}, expected {{"type": "text", "text": …}} only')
    return _text(part.get("text"), f"a text part of {where}")


def _tool_calls(calls: Any, where: str) -> str:
    if not isinstance(calls, list) or not all(isinstance(call, dict) for call in calls):
        raise BadRecord(f'"tool_calls" beside {where} is {_shown(calls)}, expected a list of objects')
    return _text(_as_json([call.get("function") or call for call in calls]), f'"tool_calls" beside {where}')


def _tools(tools: Any) -> str | None:
    if not isinstance(tools, str | list | dict | None):
        raise BadRecord(f'"tools" is {_shown(tools)}, expected a list of tools or their JSON as text')
    if not tools or (isinstance(tools, str) and tools.strip() in ("", "[]")):
        return None
    return _text(tools if isinstance(tools, str) else _as_json(tools), '"tools"')


def _check_turns(messages: list[Message]) -> None:
    roles = [message.role for message in messages]
    if "user" not in roles:
        raise BadRecord("no user turn, expected a question and an assistant's reply")
    if "assistant" not in roles:
        raise BadRecord("no assistant turn, expected a reply to train on")
    if roles[-1] != "assistant":
        raise BadRecord(f"ends with a {roles[-1]} turn, expected an assistant's reply")


def _reply(record: dict[str, Any], field: str) -> Message:
    return Message("assistant", _filled(_field(record, field), f'"{field}"'))


def _field(record: dict[str, Any], field: str) -> Any:
    if field not in record:
        raise BadRecord(f'"{field}" is missing, expected it beside {_names(record)}')
    return record[field]


def _optional_text(record: dict[str, Any], field: str) -> str:
    value = record.get(field)
    return "" if value is None else _text(value, f'"{field}"')


def _filled(value: Any, where: str) -> str:
    text = _text(value, where)
    if not text or text.isspace():
        raise BadRecord(f"{where} is empty, expected text")
    return text


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise BadRecord(f"{where} is {_shown(value)}, expected text")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as fault:
            half = value[fault.start]
            raise BadRecord(f"{where} holds {half!r}, half a surrogate pair, expected Unicode text") from None
    return value


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _names(record: dict[str, Any]) -> str:
    return f"the fields {_SHORT.repr(list(record))[:60]}"


def _shown(value: Any) -> str:
    kind = _JSON_TYPES[type(value)]
    return kind if value is None else f"{kind} ({_SHORT.repr(value)[:60]})"
