"""What happened to the replies of a conversation on the way to tokens, counted over many.

A note stands once for each reply, turn or conversation it is true of, in words that follow a number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

EXCLUDED = "replies not trained: the file excludes them"
EMPTY = "replies not trained: they are empty"
UNASKED = "replies not trained: no question comes before them"
DROPPED = "replies not trained: the template drops them"
UNPLACED = "replies not trained: where the template writes them is not certain"
UNMARKED = "replies not trained: outside the template's generation marks"
REASONING_DROPPED = "replies trained without their reasoning: the template drops earlier reasoning"
REASONING_UNWRITTEN = "replies trained without their reasoning: the template does not write it"
CALLS_UNWRITTEN = "replies trained without their tool calls: the template does not write them"
ENDLESS = "replies trained without an end token: the template writes none"
SYSTEM_MOVED = "system prompts put before the question: the template refuses a system turn"
RESULTS_AS_USER = "tool results written as user turns: the template refuses tool turns"
NEW_IDS = "conversations with new ids of tool calls: the template refuses theirs"
CALLS_AS_TEXT = "turns with tool calls as text: the template has no place for them"
TOOLS_AS_TEXT = "conversations with tools as text in the system prompt: the template has no place for them"


def unwritten(role: str) -> str:
    return f"{role} turns left out: the template does not write them"


NOTES = (
    *(EXCLUDED, EMPTY, UNASKED, DROPPED, UNPLACED, UNMARKED, REASONING_DROPPED, REASONING_UNWRITTEN),
    *(CALLS_UNWRITTEN, ENDLESS, SYSTEM_MOVED, RESULTS_AS_USER, NEW_IDS, CALLS_AS_TEXT, TOOLS_AS_TEXT),
    *map(unwritten, ("system", "user", "tool")),
)


def notes_table(notes: Sequence[Iterable[str]]) -> np.ndarray:
    """How often each of `NOTES` stands in those of each sample: (samples, len(NOTES)) int32."""
    table = np.zeros((len(notes), len(NOTES)), np.int32)
    for row, of_sample in enumerate(notes):
        for note in of_sample:
            table[row, NOTES.index(note)] += 1
    return table


def table_counts(tables: Iterable[np.ndarray]) -> dict[str, int]:
    """What `count_notes` gives, from tables."""
    totals = sum((table.sum(0, dtype=np.int64) for table in tables), np.zeros(len(NOTES), np.int64))
    counts = Counter({note: int(number) for note, number in zip(NOTES, totals, strict=True) if number})
    return dict(counts.most_common())


def count_notes(notes: Iterable[Iterable[str]]) -> dict[str, int]:
    """How often each note stands in those of many samples, the most frequent first."""
    return dict(Counter(note for of_sample in notes for note in of_sample).most_common())


def note_lines(counts: dict[str, int]) -> list[str]:
    """A line for each note: "212 replies not trained: …"."""
    return [f"{number:,} {_singular(note) if number == 1 else note}" for note, number in counts.items()]


def _singular(note: str) -> str:
    """The note for one: its first noun is plural, and "their" and "them" stand for it."""
    head, colon, reason = note.partition(":")
    for plural, single in _SINGULAR.items():
        head = head.replace(plural, single)
    return head + colon + reason


_SINGULAR = {
    "replies": "reply",
    "turns": "turn",
    "system prompts": "system prompt",
    "tool results": "tool result",
    "conversations": "conversation",
    "their": "its",
}
