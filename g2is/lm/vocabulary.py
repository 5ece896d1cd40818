"""Tokens that a model has no embedding for: tokenizers may know more tokens than the model."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from g2is.errors import InputError
from g2is.instructions import Instruction
from g2is.lm.text import Encoder

AT_ONCE = 1000
"""Instructions that are tokenized at once."""


def check_tokens(model: str, rows: int, encoder: Encoder, instructions: Iterable[Instruction]) -> None:
    """Raise `InputError` where instructions become tokens outside of an embedding of `rows` rows.

    A tokenizer with more tokens is common and harmless as long as none of those occurs (image marks, padding), so that
    instructions are tokenized, but only for such a tokenizer.
    """
    if max(encoder.tokenizer.get_vocab().values(), default=0) < rows:
        return
    outside, count, left = [], 0, iter(instructions)
    while part := list(islice(left, AT_ONCE)):
        count += len(part)
        for instruction, sample in zip(part, encoder(part), strict=True):
            if len(sample) and sample.input_ids.max() >= rows:
                outside.append((instruction, int(sample.input_ids.max())))
    if outside:
        first, token = outside[0]
        raise InputError(
            f"model {model}: its tokenizer is larger than its embedding: it writes token {token:,}, "
            f"{encoder.tokenizer.convert_ids_to_tokens(token)!r}, in {len(outside):,} of {count:,} "
            f"instructions, first {first.source}:{first.line}, and the embedding has {rows:,} rows; expected the "
            "tokenizer that the model was trained with, or a model saved after resize_token_embeddings"
        )
