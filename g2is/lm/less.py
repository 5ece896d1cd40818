"""LESS's chat format, for tokenizers without a template (princeton-nlp/LESS)."""

from __future__ import annotations

from g2is.instructions import Instruction
from g2is.lm.conversation import tools_as_text
from g2is.lm.notes import CALLS_AS_TEXT, EXCLUDED, TOOLS_AS_TEXT, UNASKED
from g2is.lm.placing import Placed


def less_text(instruction: Instruction, eos: str) -> Placed:
    """The text and the character spans that are trained.

    `<|user|>\\n…\\n<|assistant|>\\n…{eos}\\n`, contents stripped; the end-of-sequence token and its line break are
    trained, the role marks are not. Reasoning and tool calls stand in the content as text.
    """
    turns, notes = instruction.messages, []
    if instruction.tools:
        turns = tools_as_text(turns, instruction.tools)
        notes.append(TOOLS_AS_TEXT)
    text, spans, asked = "", [], False
    for turn in turns:
        text += f"<|{turn.role}|>\n"
        start = len(text)
        text += f"{turn.text.strip()}{eos if turn.role == 'assistant' else ''}\n"
        if turn.role == "assistant":
            if turn.tool_calls:
                notes.append(CALLS_AS_TEXT)
            if not asked:
                notes.append(UNASKED)
            elif not turn.trained:
                notes.append(EXCLUDED)
            else:
                spans.append((start, len(text)))
        asked |= turn.role == "user"
    return Placed(text, tuple(spans), tuple(notes))
