"""Sentence embeddings by sentence-transformers, an optional dependency."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from itertools import islice

import numpy as np
from tqdm import tqdm

from g2is.errors import InputError

AT_ONCE = 8192
"""Texts that are in memory at once."""


def embed(texts: Iterable[str], count: int, model: str) -> np.ndarray:
    """(n, h) float32 unit rows for n texts, from a sentence-transformers model by its id or folder.

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
    left, rows = iter(texts), []
    with tqdm(total=count, unit="text", disable=count <= 1000) as bar:
        while some := list(islice(left, AT_ONCE)):
            part = loaded.encode(some, normalize_embeddings=True, show_progress_bar=False)
            rows.append(np.asarray(part, dtype=np.float32))
            bar.update(len(some))
    return np.concatenate(rows)
