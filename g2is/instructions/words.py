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

STOP_WORDS = frozenset(
    """
    about above across after again against all almost along also although always am among an and another any anyone
    anything are around as at be because been before being below between both but by can cannot could did didn do does
    doesn doing don done down during each either else enough etc even ever every everyone everything few for from
    further get go had has have having he hence her here hers herself him himself his how however if in indeed into is
    isn it its itself just least less ll made many may me might mine more most much must my myself neither never no nor
    not nothing now of off often on once one only onto or other others our ours ourselves out over own per perhaps
    please put rather re same see seem seems several shall she should since so some someone something sometimes still
    such take than that the their theirs them themselves then there therefore these they this those though through
    thus to together too toward towards under until up upon us ve very via was we well were what whatever when whenever
    where whereas whether which while who whoever whole whom whose why will with within without would yet you your
    yours yourself yourselves
    """.split()
)
"""Words of English that every text has, whatever it is about; they mark out nothing."""

_WORD = re.compile(r"[^\W\d_]{2,30}")


@dataclass(frozen=True)
class Term:
    """A word, and the shares of the texts inside and of all texts that it stands in."""

    word: str
    share: float
    share_of_all: float


def distinctive_terms(texts: Sequence[str], inside: NDArray[np.integer], count: int = 12) -> list[Term]:
    """The words that the texts inside have far more often than all texts have, the most telling first; no STOP_WORDS.

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
        counts.update(set(_WORD.findall(texts[row][:LETTERS].lower())) - STOP_WORDS)
    return counts, len(drawn)
