"""Preference data: of several answers the preferred one is trained."""

from __future__ import annotations

from typing import Any

from g2is.instructions.fields import BadRecord, shown
from g2is.instructions.names import PROMPTS
from g2is.instructions.shapes.conversations import conversation_field, read_turns
from g2is.instructions.shapes.pairs import Pair, read_answer, read_pair
from g2is.instructions.shapes.transcripts import read_transcript
from g2is.instructions.shapes.view import View
from g2is.instructions.turns import Message, is_turn

REJECTED = ("rejected", "rejected_response", "score_chosen", "score_rejected")
SCORES = ("overall_score", "fine_grained_score", "score", "rating")


class LeftOut(BadRecord):
    """Why a record that is no fault of its file is not to be trained."""


def has_preference(view: View) -> bool:
    return view.filled("chosen")


def read_preference(view: View) -> tuple[str, list[Message]]:
    """The chosen answer to the question: TRL's, LLaMA-Factory's and Anthropic's forms. The rejected one is left."""
    chosen = view.take("chosen")
    for name in REJECTED:
        view.take(name)
    if isinstance(chosen, dict) and is_turn(chosen):
        chosen = [chosen]
    if isinstance(chosen, list):
        replies = read_turns(chosen, '"chosen"')
        if any(reply.role == "user" for reply in replies):  # the whole conversation
            for name in PROMPTS:
                view.take(name)
            return "preference", replies
    elif isinstance(chosen, str):
        field = conversation_field(view)
        if field is None and not view.of(PROMPTS):
            turns = read_transcript(chosen)
            if turns is None:
                raise BadRecord('"chosen" stands without a "prompt" and without turns, expected either')
            return "preference", turns
        replies = read_answer(view, "chosen")
    else:
        raise BadRecord(f'"chosen" is {shown(chosen)}, expected text or turns')
    if field := conversation_field(view):
        return "preference", [*read_turns(view.take(field), f'"{field}"'), *replies]
    questions = [name for name in view.of(PROMPTS) if name != "input"] or view.of(PROMPTS)
    if not questions:
        raise BadRecord(
            '"chosen" stands without a question, expected "prompt", "instruction" or turns beside it'
        )
    _, turns = read_pair(view, Pair("preference", questions[0], "chosen"))
    return "preference", [*turns[:-1], *replies]


def has_ranked(view: View) -> bool:
    value = view.look("completions") or view.look("responses")
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict) and not is_turn(value[0])


def read_ranked(view: View) -> tuple[str, list[Message]]:
    """UltraFeedback's list of answers with scores: the answer with the highest score, the first of equals."""
    name = "completions" if view.look("completions") else "responses"
    answers = [answer for answer in view.take(name) if isinstance(answer, dict)]
    best = max(answers, key=_score)
    text = next((best[key] for key in ("response", "completion", "text", "content") if best.get(key)), None)
    if not isinstance(text, str):
        raise BadRecord(f'an answer of "{name}" has no text, expected "response" in it')
    questions = view.of(PROMPTS)
    if not questions:
        raise BadRecord(f'"{name}" stands without a question, expected "instruction" or "prompt" beside it')
    best_view = View({**view.record, "response": text})
    _, turns = read_pair(best_view, Pair("ranked", questions[0], "response"))
    view.use(*(field for field in best_view.used if field in view.record))
    view.repairs["best of several answers taken"] += 1
    return "ranked", turns


def _score(answer: dict[str, Any]) -> float:
    for name in SCORES:
        try:
            return float(answer[name])
        except (KeyError, TypeError, ValueError):
            continue
    return float("-inf")


def refuse_undesirable(view: View, *names: str) -> None:
    """Raise LeftOut for an example that KTO is given to learn what not to answer. names: fields that may say so."""
    for name in names:
        value = view.look(name)
        if isinstance(value, bool):
            view.take(name)
            if not value:
                raise LeftOut(f'"{name}" is false: an example of what not to answer, which is not trained')
