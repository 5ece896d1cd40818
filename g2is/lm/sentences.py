"""Sentence embeddings by sentence-transformers, an optional dependency."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

import numpy as np

from g2is.errors import InputError


def embed(texts: Sequence[str], model: str) -> np.ndarray:
    """(n, h) float32 unit rows for the texts, from a sentence-transformers model by its id or folder.

    Raises `InputError` where sentence-transformers is not installed or the model cannot be read.
    """
    if importlib.util.find_spec("sentence_transformers") is None:
        raise InputError(
            f"sentence_model = {model!r}: needs sentence-transformers, which is not installed: "
            "pip install sentence-transformers"
        )
    from sentence_transformers import SentenceTransformer

    try:
        loaded = SentenceTransformer(model)
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise InputError(f"sentence_model = {model!r}: {reason[0]}") from None
    rows = loaded.encode(list(texts), normalize_embeddings=True, show_progress_bar=len(texts) > 1000)
    return np.asarray(rows, dtype=np.float32)
