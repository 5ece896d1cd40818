"""Instruction files -> checked conversations that remember the bytes they came from.

Knows nothing of models or runs. `files` cuts files into records, `formats` reads one record and
`turns` its turns, `reading` puts them together, `frame` is the table that a run keeps.
"""

from g2is.instructions.formats import FORMATS
from g2is.instructions.frame import from_frame, to_frame
from g2is.instructions.reading import (
    Instruction,
    Reading,
    Rejected,
    find_duplicates,
    read_instructions,
    write_rejects,
)
from g2is.instructions.turns import Message, ToolCall

__all__ = [
    "FORMATS",
    "Instruction",
    "Message",
    "Reading",
    "Rejected",
    "ToolCall",
    "find_duplicates",
    "from_frame",
    "read_instructions",
    "to_frame",
    "write_rejects",
]
