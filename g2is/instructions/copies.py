"""Possible leaks: samples of the pool that are near-copies of validation samples.

Fine-tuning on what the target is measured by makes every score look better than it is. Three kinds, the
surest first; a sample is listed once, with the validation sample it is closest to:

- `same text`: prompt and response are the same once letter case, width and white space are made alike.
- `overlap`: at least half of the 8-grams (runs of eight words) of the validation sample's prompt, or of its
  prompt and response, stand in the sample too. Runs of eight and a half of them are what published
  decontaminations use (Lambert et al. 2024, Tulu 3, section 3.2): shorter runs meet by chance. 8-grams that
  several validation samples share are the wording of the task, not a copy, and do not count.
- `gradient`: the plain gradients have a cosine of 0.999 or more. The same tokens give 1 but for rounding;
  different questions of one form with the same answer reached 0.9988 (BBH, a small model), so below 0.999 the
  cosine no longer tells a copy from a sibling.

Texts are compared through an index of the validation samples' 8-grams in one pass over the pool: time grows with
the pool's words, not with pool times validation.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

WORDS = 8
"""Words in a run that is compared."""
LEAST_RUNS = 4
"""Runs of its own that a validation text needs to be compared: fewer make half of them mean little."""
LEAST_OVERLAP = 0.5
LEAST_COSINE = 0.999
# Letters of scripts that put no space between words are words of their own.
_ALONE = r"\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff"
_WORD = re.compile(rf"[{_ALONE}]|[^\W{_ALONE}]+")

KINDS = ("same text", "overlap", "gradient")

Text = tuple[str, str]
Run = tuple[str, ...]
Found = tuple[int, int, str, float]


def find_leaks(
    pool: Iterable[Text],
    validation: Sequence[Text],
    sgd_cosines: NDArray[np.float32] | None = None,
) -> pd.DataFrame:
    """One row a leaking sample, the surest first: sample, validation, kind, similarity (share of 8-grams, or cosine).

    pool, validation: prompt and response of each. Empty validation texts, as of a run made from gradients, are
    not compared. sgd_cosines: (n, m) of plain gradients, where the run has them.
    """
    import pandas as pd

    found = [*_by_text(pool, validation), *([] if sgd_cosines is None else _by_gradient(sgd_cosines))]
    table = pd.DataFrame(found, columns=["sample", "validation", "kind", "similarity"]).astype(
        {"sample": np.int64, "validation": np.int64, "kind": object, "similarity": np.float32}
    )
    return closest_leaks([table])


def closest_leaks(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The rows of several tables of leaks, of each sample only the surest one."""
    import pandas as pd

    table = tables[0] if len(tables) == 1 else pd.concat(tables, ignore_index=True)
    rank = table["kind"].map({kind: place for place, kind in enumerate(KINDS)}).astype(int)
    table = table.assign(rank=rank).sort_values(
        ["rank", "similarity", "sample", "validation"], ascending=[True, False, True, True]
    )
    return table.drop_duplicates("sample").drop(columns="rank").reset_index(drop=True)


def _by_text(pool: Iterable[Text], validation: Sequence[Text]) -> Iterator[Found]:
    first: dict[tuple[str, str], int] = {}
    for row, (prompt, response) in enumerate(validation):
        first.setdefault((_alike(prompt), _alike(response)), row)
    first.pop(("", ""), None)

    parts = [(row, part) for (prompt, response), row in first.items() for part in _parts(prompt, response)]
    rows_with = Counter(run for run, _ in {(run, row) for row, part in parts for run in part})
    index: dict[Run, list[int]] = {}
    sizes = []
    for place, (_, part) in enumerate(parts):
        own = [run for run in part if rows_with[run] == 1]
        sizes.append(len(own))
        if len(own) >= LEAST_RUNS:
            for run in own:
                index.setdefault(run, []).append(place)

    for sample, text in enumerate(pool):
        prompt, response = map(_alike, text)
        if (prompt, response) in first:
            yield sample, first[prompt, response], "same text", 1.0
            continue
        shared = Counter(
            place for run in _runs(f"{prompt} {response}") if run in index for place in index[run]
        )
        for place, count in shared.items():
            if count >= LEAST_OVERLAP * sizes[place]:
                yield sample, parts[place][0], "overlap", count / sizes[place]


def _by_gradient(cosines: NDArray[np.float32], block: int = 8192) -> Iterator[Found]:
    for start in range(0, len(cosines), block):
        some = np.asarray(cosines[start : start + block])
        for sample, row in zip(*np.nonzero(some >= LEAST_COSINE), strict=True):
            yield start + int(sample), int(row), "gradient", float(some[sample, row])


def _alike(text: str) -> str:
    """The text without differences of width, letter case and white space."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _parts(prompt: str, response: str) -> set[frozenset[Run]]:
    """What of a validation sample is looked for: its prompt, and all of it."""
    return {_runs(prompt), _runs(f"{prompt} {response}")}


def _runs(text: str) -> frozenset[Run]:
    words = _WORD.findall(text)
    return frozenset(zip(*(words[i:] for i in range(WORDS)), strict=False))
