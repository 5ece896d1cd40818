"""Conversations written out as one text, with marks before each turn."""

from __future__ import annotations

import re
from typing import NamedTuple

from g2is.instructions.turns import ROLES, Message, spelling


class Style(NamedTuple):
    """How a transcript marks its turns: `mark` finds a role in group 1; `end` is what may close a turn."""

    mark: re.Pattern[str]
    end: str = ""


_WHO = r"(system|developer|human|user|prompter|instruction|input|assistant|gpt|bot|response|function response|tool)"
STYLES = (
    Style(re.compile(r"<\|im_start\|>(\w+)\n"), "<|im_end|>"),
    Style(re.compile(r"<\|start_header_id\|>(\w+)<\|end_header_id\|>\n\n"), "<|eot_id|>"),
    Style(re.compile(r"<start_of_turn>(\w+)\n"), "<end_of_turn>"),
    Style(re.compile(r"<\|(system|user|assistant|tool)\|>\n?"), "<|end|>"),
    Style(re.compile(rf"(?:^|\s*)###? ?{_WHO}:[ \n]?", re.IGNORECASE)),
    Style(re.compile(rf"(?:^|\n+)\s*{_WHO}:[ \n]", re.IGNORECASE)),
)
_INST = re.compile(r"\[INST\](.*?)\[/INST\](.*?)(?=(?:<s>|</s>)*\s*\[INST\]|(?:</s>)?\s*$)", re.DOTALL)
_SYS = re.compile(r"<<SYS>>\n?(.*?)\n?<</SYS>>\s*", re.DOTALL)
_ROLES = {"instruction": "user", "input": "user", "response": "assistant", "function response": "tool"}
_SPECIAL = ("<|endoftext|>", "<|begin_of_text|>", "<bos>", "<eos>", "<s>", "</s>")


def read_transcript(text: str) -> list[Message] | None:
    """The turns of a text, or None where no style of marks tells a question from an answer in it."""
    if "[INST]" in text:
        return _llama(text)
    for style in STYLES:
        marks = list(style.mark.finditer(text))
        if not marks:
            continue
        turns: list[Message] = []
        for mark, following in zip(marks, [*marks[1:], None], strict=True):
            content = text[mark.end() : following.start() if following else len(text)]
            name = mark[1].lower()
            role = _ROLES.get(name) or ROLES.get(spelling(name))
            if role is None:
                break
            content = _stripped(content, style.end)
            if turns and role == "user" == turns[-1].role:  # Alpaca's instruction and input
                turns[-1] = Message("user", f"{turns[-1].content}\n{content}")
            else:
                turns.append(Message(role, content))
        roles = [turn.role for turn in turns]
        if "user" in roles and "assistant" in roles[roles.index("user") :]:
            return turns
    return None


def _llama(text: str) -> list[Message] | None:
    """The format of Llama 2: [INST] <<SYS>> system <</SYS>> question [/INST] answer."""
    turns: list[Message] = []
    for question, answer in _INST.findall(text):
        system = _SYS.search(question)
        if system:
            turns.append(Message("system", system[1].strip()))
        turns += [
            Message("user", _SYS.sub("", question).strip()),
            Message("assistant", _stripped(answer)),
        ]
    return turns or None


def _stripped(content: str, end: str = "") -> str:
    content = content.strip()
    while True:
        shorter = content
        for mark in (end, *_SPECIAL):
            shorter = shorter.removesuffix(mark).strip() if mark else shorter
        if shorter == content:
            return content
        content = shorter
