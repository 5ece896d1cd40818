"""Load a model's tokenizer, which needs neither the model nor what trains it."""

from __future__ import annotations

from typing import Any

from transformers import AutoTokenizer
from transformers.utils import logging

from g2is.config import ModelConfig
from g2is.errors import InputError
from g2is.lm.source import find_source, readable

# A build shows its own progress, which the library's notices would interrupt.
logging.set_verbosity_error()


def load_tokenizer(config: ModelConfig) -> Any:
    """The model's tokenizer, with a padding token; raises `InputError` where it cannot be read."""
    folder = find_source(config.model).tokenizer
    with readable(folder):
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=config.trust_remote_code)
    if not tokenizer.is_fast:
        raise InputError(
            f"{folder}: its tokenizer gives no character offsets, which mark the response; "
            "expected a fast tokenizer (tokenizer.json)"
        )
    return tokenizer
