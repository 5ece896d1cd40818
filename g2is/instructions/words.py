"""The words that set some texts apart from others: class-based TF-IDF on presence (Grootendorst 2022).

A word's score in a group of texts is its share of them (how many have it) times the logarithm of how many times as
large that share is as the share overall. Words are runs of 2 to 30 letters in any script; stop words of English do not
count. scikit-learn is imported by the functions that use it, not by a page that opens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

TEXTS = 1500
"""Texts read inside, and of all texts, at most, spread evenly: enough for a word's share, and fast."""
LEAST = 2
"""Texts that have to contain a word."""
LETTERS = 1000
"""Characters read of each text."""
WORD = r"(?u)[^\W\d_]{2,30}"
SHORTENED = ("did", "didn", "does", "doesn", "doing", "don", "having", "isn", "just", "ll", "shall", "ve")
"""Stop words that scikit-learn's list lacks: forms of `do`, and what is left of `don't` or `we'll` without its end."""


@dataclass(frozen=True)
class Term:
    """A word, and the shares of the texts inside and of all texts that have it."""

    word: str
    share: float
    share_of_all: float


Texts = Callable[[NDArray[np.integer]], Iterable[str]]
"""Reads the texts of rows that are ascending; a row may be named more than once."""


def distinctive_terms(
    texts: Texts, inside: NDArray[np.integer], all_rows: NDArray[np.integer], count: int = 12
) -> list[Term]:
    """The words that the texts inside have more often than all texts have, the highest score first.

    inside, all_rows: rows of texts. Empty where the texts inside are all texts, since no word sets those apart.
    """
    samples = [spread(rows, TEXTS) for rows in (inside, all_rows)]
    lengths = [len(rows) for rows in samples]
    if not all(lengths):
        return []
    words, shares = word_shares(texts, samples)
    share, share_of_all = shares.toarray()
    # A word that is in none of the texts read of all is in fewer than one in so many.
    overall = np.maximum(share_of_all, 0.5 / lengths[1])
    order = by_score(share, overall)
    frequent = np.rint(share * lengths[0]) >= min(LEAST, lengths[0])
    best = order[(frequent & (share > overall))[order]][:count]
    return [Term(str(words[i]), float(share[i]), float(overall[i])) for i in best]


def word_shares(texts: Texts, groups: Sequence[NDArray[np.integer]]) -> tuple[NDArray[np.str_], csr_array]:
    """Words (w,), sorted, and the share of each group's texts that have them (g, w), float64.

    groups: (g,) rows of the texts of each, at least one. Upper and lower case are the same. All are read at once, in
    the order of their rows, since those of a large pool come from a file.
    """
    from scipy.sparse import csr_array
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, CountVectorizer

    vectorizer = CountVectorizer(
        binary=True, token_pattern=WORD, stop_words=sorted(ENGLISH_STOP_WORDS.union(SHORTENED))
    )
    lengths, rows = [len(group) for group in groups], np.concatenate(groups)
    order = np.argsort(rows, kind="stable")
    try:
        present = vectorizer.fit_transform(text[:LETTERS] for text in texts(rows[order]))
    except ValueError:  # no text has a word
        return np.empty(0, np.str_), csr_array((len(groups), 0))
    places = np.empty(len(rows), np.intp)
    places[order] = np.arange(len(rows))
    members = csr_array((np.ones(len(rows), int), places, np.cumsum([0, *lengths])))
    counts = members @ csr_array(present)
    shares = counts.data / np.repeat(lengths, np.diff(counts.indptr))
    return vectorizer.get_feature_names_out(), csr_array(
        (shares, counts.indices, counts.indptr), counts.shape
    )


def by_score(share: NDArray[np.floating], overall: NDArray[np.floating]) -> NDArray[np.intp]:
    """Indices of words by descending score; ties go to the larger share, then to the first.

    share: (w,) of the texts of a group. overall: (w,) positive.
    """
    score = share * np.log(np.maximum(share, 1e-12) / overall)
    return np.lexsort([np.arange(len(share)), -share, -score])


def spread(rows: NDArray[np.integer], most: int) -> NDArray[np.integer]:
    """At most so many of some rows, evenly spread over them."""
    return rows[np.unique(np.linspace(0, len(rows) - 1, most).astype(np.intp))] if len(rows) else rows
