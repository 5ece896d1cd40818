"""Shapes of single data sets: trees of messages (OASST), calls as answers (xLAM)."""

from __future__ import annotations

from typing import Any

from g2is.instructions.fields import BadRecord, parsed, shown
from g2is.instructions.names import PROMPTS
from g2is.instructions.shapes.view import View, filled_text
from g2is.instructions.turns import Message, read_turn


def has_tree(view: View) -> bool:
    """Whether a record is a prompt with the tree of its replies."""
    return isinstance(view.look("prompt"), dict) and "replies" in view.record["prompt"]


def read_tree(view: View) -> tuple[str, list[Message]]:
    """OASST's trees: from the prompt down, of several replies the one ranked best, the first where none is ranked."""
    node: dict[str, Any] | None = view.take("prompt")
    messages: list[Message] = []
    branches = False
    while node is not None:
        messages.append(read_turn(node, f"turn {len(messages) + 1}"))
        replies = [reply for reply in node.get("replies") or [] if isinstance(reply, dict)]
        replies = [reply for reply in replies if not reply.get("deleted")]
        branches |= len(replies) > 1
        node = min(replies, key=_rank, default=None)
    if branches:
        view.repairs["best branch of a tree taken"] += 1
    return "message_tree", messages


def _rank(reply: dict[str, Any]) -> float:
    rank = reply.get("rank")
    return rank if isinstance(rank, int | float) else float("inf")


def is_lone_message(view: View) -> bool:
    """Whether a record is a row of OASST's flat files."""
    return view.has("message_id") and view.has("text") and view.has("role") and "parent_id" in view.record


def read_lone_message(view: View) -> tuple[str, list[Message]]:
    """Raise BadRecord: the other turns stand in other rows."""
    raise BadRecord(
        "holds one message of a tree (message_id, parent_id), expected a whole conversation; give the trees "
        "(…_ready.trees.jsonl) instead of the messages"
    )


def has_calls(view: View) -> bool:
    """Whether the answers of a record are calls of its tools."""
    calls = view.look("answers")
    if not (view.of(("tools", "functions")) and view.of(PROMPTS)) or view.filled("response"):
        return False
    calls = parsed(calls) if isinstance(calls, str) else calls
    return isinstance(calls, list) and all(isinstance(call, dict) and "name" in call for call in calls)


def read_calls(view: View) -> tuple[str, list[Message]]:
    """xLAM's query, tools and answers: the answers are calls."""
    name = view.of(PROMPTS)[0]
    question = Message("user", filled_text(view.take(name), f'"{view.spelt(name)}"'))
    calls = view.take("answers")
    if not (parsed(calls) if isinstance(calls, str) else calls):
        raise BadRecord(f'"answers" is {shown(calls)}, expected a list of calls with a name')
    return "function_calls", [question, read_turn({"role": "assistant", "tool_calls": calls}, '"answers"')]
