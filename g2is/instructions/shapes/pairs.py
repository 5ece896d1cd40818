"""A question and its answer in fields of their own, with what belongs to the question beside them."""

from __future__ import annotations

from typing import Any, NamedTuple

from g2is.instructions.fields import BadRecord, names, shown
from g2is.instructions.names import CONTEXTS, OPTIONS, PROMPTS, REASONING, RESPONSES
from g2is.instructions.shapes.conversations import read_history, read_turns
from g2is.instructions.shapes.view import View, as_text, filled_text, from_text
from g2is.instructions.turns import Message, is_turn


class Pair(NamedTuple):
    """Two fields that belong together, and what is thought between them."""

    name: str
    prompt: str
    response: str
    reasoning: str | None = None


KNOWN = (
    Pair("fields", "question", "attempt", "thinking_trajectories"),
    Pair("fields", "question", "deepseek_attempt", "deepseek_thinking_trajectory"),
    Pair("alpaca", "instruction", "output"),
    Pair("prompt_completion", "prompt", "completion"),
    Pair("question_answer", "question", "answer"),
    Pair("fields", "instruction", "response"),
    Pair("fields", "query", "response"),
    Pair("fields", "prompt", "response"),
    Pair("fields", "question", "response"),
    Pair("fields", "inputs_pretokenized", "targets_pretokenized"),
    Pair("fields", "inputs", "targets"),
)
"""Taken before others where a record has more fields that could be a question or an answer; the first that fits."""
WORKED = ("generated_solution", "solution")
"""The way to an answer with the answer at its end, and so trained instead of the answer alone."""
SHORT = ("answer", "answers", "final_answer", "correct_answer", "answer_text")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def find_pair(view: View, name: str | None = None) -> Pair | None:
    """The fields of question and answer, or None where one of them is missing.

    name: only pairs of that name. Raises BadRecord where several fields could be either and none stands out.
    """
    for pair in KNOWN:
        if name in (None, pair.name) and view.has(pair.prompt) and view.filled(pair.response):
            if pair.reasoning and not view.filled(pair.reasoning):
                continue
            if name is None and pair.response in SHORT and (worked := view.of(WORKED)):
                return Pair("fields", pair.prompt, worked[0])
            if view.filled(pair.prompt) or view.of(CONTEXTS):
                return pair
    if name not in (None, "fields"):
        return None
    answers = view.of(RESPONSES)
    if worked := [answer for answer in answers if answer in WORKED]:
        answers = [worked[0], *(answer for answer in answers if answer not in (*WORKED, *SHORT))]
    answers = [answer for answer in answers if answer not in _same(view, answers)]
    questions = view.of(PROMPTS)
    if len(questions) > 1 and "input" in questions:  # belongs to the other
        questions.remove("input")
    questions = [question for question in questions if question not in _same(view, questions)]
    if not questions or not answers:
        return None
    for part, several in (("prompt", questions), ("response", answers)):
        if len(several) > 1:
            first, *others = (f'"{view.spelt(one)}"' for one in several)
            raise BadRecord(
                f"each of the fields {first} and {', '.join(others)} could be the {part}, expected one; name it: "
                f"--columns {part}={view.spelt(several[0])}"
            )
    return Pair("fields", questions[0], answers[0])


def _same(view: View, candidates: list[str]) -> list[str]:
    """Candidates that only repeat an earlier one, or another in a form that is no text (token ids beside the text)."""
    texts: list[Any] = []
    repeats = []
    for name in candidates:
        value = view.look(name)
        if value in texts or (
            name.removesuffix("_pretokenized") == name and f"{name}_pretokenized" in candidates
        ):
            repeats.append(name)
        texts.append(value)
    return repeats


def read_pair(view: View, pair: Pair) -> tuple[str, list[Message]]:
    """The shape's name and the turns."""
    question = view.take(pair.prompt)
    where = f'"{view.spelt(pair.prompt)}"'
    options = _options(view)
    if (turns := _turn_list(question)) is not None:
        asked = read_turns(turns, where)
    else:
        asked = [*read_history(view), Message("user", _question(view, pair, question, where, options))]
    plain = not options and all(view.spelt(name) == name for name in (pair.prompt, pair.response))
    contexts = [name for name in CONTEXTS if view.spelt(name) in view.used]
    plain = plain and not set(contexts) - ({"input"} if pair.name == "alpaca" else set())
    answered = read_answer(view, pair.response, options, pair.reasoning)
    return pair.name if plain else "fields", [*asked, *answered]


def _question(view: View, pair: Pair, question: Any, where: str, options: list[str]) -> str:
    """The question with its context and its options.

    As LLaMA-Factory reads Alpaca: instruction, line break, input. A passage that a question is about stands before it.
    """
    before: list[str] = []
    after: list[str] = []
    joint = "\n" if pair.prompt == "instruction" else "\n\n"
    for name in CONTEXTS:
        if name == pair.prompt or not view.filled(name) or (given := _context(view.look(name))) is None:
            continue
        view.take(name)
        (after if pair.prompt == "instruction" or name == "input" else before).append(given)
    parts = [*before, as_text(question, where), *after]
    text = joint.join(part for part in parts if part)
    if options:
        text += "\n" + "\n".join(options)
    beside = ' with "input"' if pair.prompt == "instruction" else ""
    return filled_text(text, where + beside)


def _context(value: Any) -> str | None:
    """A context as text: itself, or its paragraphs; None for what holds no text."""
    if isinstance(value, str | int | float):
        return as_text(value, "the context")
    if isinstance(value, dict):  # PubMedQA, HotpotQA
        value = next((value[key] for key in ("contexts", "sentences", "text") if key in value), None)
    if not isinstance(value, list) or not value:
        return None
    paragraphs = [item if isinstance(item, list) else [item] for item in value]
    if not all(isinstance(text, str) for sentences in paragraphs for text in sentences):
        return None
    return "\n\n".join(map("".join, paragraphs))


def _options(view: View) -> list[str]:
    """The options of a question, a line each, with letters where they have none of their own."""
    for name in view.of(OPTIONS):
        value = view.look(name)
        if isinstance(value, dict) and isinstance(value.get("text"), list):  # ARC, CommonsenseQA
            labels = value.get("label") or LETTERS
            lines = [f"{label}. {text}" for label, text in zip(labels, value["text"], strict=False)]
        elif isinstance(value, dict):
            lines = [f"{label}. {text}" for label, text in value.items() if text is not None]
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            lines = [
                f"{item.get('label', LETTERS[i % 26])}. {item.get('text')}" for i, item in enumerate(value)
            ]
        elif isinstance(value, list):
            lines = [as_text(text, f'an option of "{name}"') for text in value]
            if not all(_lettered(text, place) for place, text in enumerate(lines)):
                lines = [f"{LETTERS[place % 26]}. {text}" for place, text in enumerate(lines)]
        elif isinstance(value, str):
            lines = [value]
        else:
            continue
        view.take(name)
        return lines
    return []


def _lettered(text: str, place: int) -> bool:
    return text.lstrip("( ")[:1].upper() == LETTERS[place % 26] and text.lstrip("( ")[1:2] in (".", ")", ":")


def read_answer(
    view: View, name: str, options: list[str] | None = None, reasoning: str | None = None
) -> list[Message]:
    """The reply that a field holds: text, a number, the first of several answers, or turns."""
    where = f'"{view.spelt(name)}"'
    value = view.take(name)
    if isinstance(value, dict):  # SQuAD, TriviaQA; a turn of its own
        inner = next((key for key in ("text", "value", "content", "answer") if key in value), None)
        value = value if inner is None else value[inner]
    if (turns := _turn_list(value)) is not None:
        return read_turns(turns, where)
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        value = [
            next((item[key] for key in ("text", "answer", "value") if key in item), item) for item in value
        ]
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        if len(value) > 1:
            view.repairs["first of several answers taken"] += 1
        value = value[0]
    if options and isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(options):
        value = options[value].lstrip("( ")[:1]  # MMLU numbers its options
    thought = _reasoning(view, reasoning)
    return [Message("assistant", filled_text(value, where), reasoning=thought)]


def _turn_list(value: Any) -> list[Any] | None:
    """The turns that stand in place of a text: TRL's prompt and completion, also as JSON in a cell."""
    if isinstance(value, str):
        value = from_text(value)
    return value if isinstance(value, list) and value and all(map(is_turn, value)) else None


def _reasoning(view: View, name: str | None) -> str | None:
    """What was thought before the answer, where it stands in a field beside it."""
    for candidate in [name] if name else view.of(REASONING):
        value = view.look(candidate)
        if isinstance(value, list) and value:  # s1K keeps several attempts
            value = value[0]
        if isinstance(value, str) and value.strip():
            view.take(candidate)
            return as_text(value, f'"{candidate}"')
    return None


def missing_part(view: View, name: str | None = None) -> BadRecord:
    """What to say of a record that lacks a question or an answer. name: the pair that was asked for."""
    pairs = [pair for pair in KNOWN if not pair.reasoning and name in (None, pair.name)]
    for pair in pairs:
        for here, lacking in ((pair.prompt, pair.response), (pair.response, pair.prompt)):
            if view.has(here) and not (view.filled(lacking) and name is None):
                return _lacks(view, lacking)
    if name is not None:
        return _lacks(view, pairs[0].prompt)
    return _lacks(view, "response" if any(view.has(name) for name in PROMPTS) else "prompt")


def _lacks(view: View, name: str) -> BadRecord:
    for spelling, value in view.record.items():
        if spelling.lower() == name:
            problem = "is empty" if value is not None and not value else f"is {shown(value)}"
            return BadRecord(f'"{spelling}" {problem}, expected text')
    return BadRecord(
        f'"{name}" is missing, expected it beside {names(view.record)}, or what plays its part named with --columns '
        "prompt=…,response=…"
    )
