"""An instruction as it will be trained: its text in pieces, each trained or not."""

from __future__ import annotations

from typing import Any

import numpy as np

from g2is.instructions import Instruction
from g2is.lm.less import less_text
from g2is.lm.text import Encoded

Piece = tuple[str, bool]
"""Text, and whether it is trained."""
END = "</s>"
"""What stands for the end-of-sequence token of a model that is not known."""


def text_pieces(instruction: Instruction) -> list[Piece]:
    """The pieces in LESS's format, which needs no tokenizer."""
    placed = less_text(instruction, END)
    pieces, place = [], 0
    for start, end in placed.spans:
        pieces += [(placed.text[place:start], False), (placed.text[start:end], True)]
        place = end
    return [piece for piece in [*pieces, (placed.text[place:], False)] if piece[0]]


def token_pieces(tokenizer: Any, sample: Encoded) -> list[Piece]:
    """The pieces of a sample's tokens, special tokens included; a cut sample's are those that are left."""
    edges = [0, *(np.flatnonzero(np.diff(sample.trained)) + 1).tolist(), len(sample)]
    # Decoded from the start each time: by themselves, the tokens of a piece may lose the blank before it.
    texts = [tokenizer.decode(sample.input_ids[:edge], skip_special_tokens=False) for edge in edges]
    return [
        (after[len(before) :], bool(sample.trained[start]))
        for start, before, after in zip(edges[:-1], texts[:-1], texts[1:], strict=True)
        if len(after) > len(before)
    ]
