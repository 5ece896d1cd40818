"""The examples of a target as JSON text, which is checked where it is read: it may come from anybody."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Annotated, Literal

import pandas as pd
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from g2is.errors import InputError, shortened
from g2is.instructions import FORMATS, Instruction, Message, ToolCall, from_frame, to_frame


def _json_text(text: str) -> str:
    try:
        json.loads(text)
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    return text


JsonText = Annotated[str, AfterValidator(_json_text)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Call(_Strict):
    name: str
    arguments: str
    id: str | None


class _Turn(_Strict):
    """One turn, as `Message`."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    reasoning: str | None = None
    tool_call_id: str | None = None
    name: str | None = None
    tool_calls: list[_Call] = []
    trained: bool = True


class _Example(_Strict):
    """One example, as `Instruction`; raw in base 64."""

    messages: Annotated[list[_Turn], Field(min_length=2)]
    source: str
    line: Annotated[int, Field(ge=0, lt=2**53)]
    format: str
    raw: str
    task: str | None
    tools: JsonText | None
    template_kwargs: JsonText | None

    @model_validator(mode="after")
    def _is_an_instruction(self) -> _Example:
        roles = [turn.role for turn in self.messages]
        if roles[-1] != "assistant" or "user" not in roles:
            raise ValueError("expected a user turn, and an assistant turn at the end")
        if self.format not in FORMATS:
            raise ValueError(f"format {shortened(self.format)!r} is not known")
        return self


_EXAMPLES = TypeAdapter(list[_Example])


def as_json(examples: pd.DataFrame) -> bytes:
    """A table of instructions as JSON text."""
    return _EXAMPLES.dump_json(
        [
            _Example(
                messages=[
                    _Turn(
                        role=turn.role,  # type: ignore[arg-type]
                        content=turn.content,
                        reasoning=turn.reasoning,
                        tool_call_id=turn.tool_call_id,
                        name=turn.name,
                        tool_calls=[
                            _Call(name=call.name, arguments=call.arguments, id=call.id)
                            for call in turn.tool_calls
                        ],
                        trained=turn.trained,
                    )
                    for turn in one.messages
                ],
                source=one.source,
                line=one.line,
                format=one.format,
                raw=base64.b64encode(one.raw).decode(),
                task=one.task,
                tools=one.tools,
                template_kwargs=one.template_kwargs,
            )
            for one in from_frame(examples)
        ],
        exclude_defaults=True,
    )


def from_json(data: bytes, path: Path) -> pd.DataFrame:
    """The table; raises `InputError` for what `as_json` did not write. path: of the file, for the message."""
    try:
        return to_frame([_instruction(one) for one in _EXAMPLES.validate_json(data)])
    except ValidationError as error:
        first = error.errors()[0]
        reason = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    except (ValueError, RecursionError) as error:
        reason = str(error)
    raise InputError(f"{path}: its examples are not instructions ({shortened(reason, 200)})")


def _instruction(one: _Example) -> Instruction:
    return Instruction(
        messages=tuple(
            Message(
                turn.role,
                turn.content,
                reasoning=turn.reasoning,
                tool_calls=tuple(ToolCall(call.name, call.arguments, call.id) for call in turn.tool_calls),
                tool_call_id=turn.tool_call_id,
                name=turn.name,
                trained=turn.trained,
            )
            for turn in one.messages
        ),
        source=one.source,
        line=one.line,
        format=one.format,
        raw=base64.b64decode(one.raw, validate=True),
        task=one.task,
        tools=one.tools,
        template_kwargs=one.template_kwargs,
    )
