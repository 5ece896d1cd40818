"""The words that mark some texts out from the others. Knows texts only."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TEXTS = 1500
"""Texts read on either side, at most, spread evenly: what a word's share needs, and an answer at once."""
LETTERS = 1000
"""Of each text that count."""
LEAST = 2
"""Texts that a word must stand in."""

_WORD = re.compile(r"[^\W\d_]{2,30}")


@dataclass(frozen=True)
class Term:
    """A word, and the shares of the texts inside and of all texts that it stands in."""

    word: str
    share: float
    share_of_all: float


def distinctive_terms(texts: Sequence[str], inside: NDArray[np.integer], count: int = 12) -> list[Term]:
    """The words that the texts inside have far more often than all texts have, the most telling first.

    inside: indices into texts. A word's score is its share inside times the logarithm of how many times its share of
    all texts that is: class-based TF-IDF on presence (Grootendorst 2022). Nothing tells all texts apart from
    themselves: then no word scores.
    """
    here, everywhere = _counted(texts, inside), _counted(texts, np.arange(len(texts)))
    if not here or not everywhere:
        return []
    (within, many), (overall, of_all) = here, everywhere
    least = min(LEAST, many)
    terms = []
    for word, times in within.items():
        share = times / many
        # A word that the texts read of all never met is at most about as frequent as one in so many.
        share_of_all = max(overall[word], 0.5) / of_all
        if times >= least and share > share_of_all:
            terms.append((share * np.log(share / share_of_all), word, Term(word, share, share_of_all)))
    terms.sort(key=lambda term: (-term[0], term[1]))
    return [term for _, _, term in terms[:count]]


def _counted(texts: Sequence[str], rows: NDArray[np.integer]) -> tuple[Counter[str], int] | None:
    """In how many of the texts read each word stands, and how many were read."""
    if not len(rows):
        return None
    drawn = rows[np.unique(np.linspace(0, len(rows) - 1, TEXTS).astype(np.intp))]
    counts: Counter[str] = Counter()
    for row in drawn.tolist():
        counts.update(set(_WORD.findall(texts[row][:LETTERS].lower())))
    return counts, len(drawn)
