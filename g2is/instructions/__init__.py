"""Instruction files -> checked conversations that remember the bytes they came from.

Knows nothing of models or runs. `sources` finds the files, `containers` cuts them into records, `shapes` reads one
record, `turns` its turns, `repairs` puts irregular ones right, `reading` puts all together, `frame` is the table that a
run keeps.
"""

from g2is.instructions.frame import from_frame, to_arrow, to_frame
from g2is.instructions.reading import (
    FileReading,
    Instruction,
    Reading,
    Rejected,
    Summary,
    conversation_digest,
    digest_of,
    each_instruction,
    find_duplicates,
    read_instructions,
    write_rejects,
)
from g2is.instructions.shapes import ASKED, FORMATS
from g2is.instructions.sources import Source, check_there, find_sources, short_name
from g2is.instructions.turns import Message, ToolCall

__all__ = [
    "ASKED",
    "FORMATS",
    "FileReading",
    "Instruction",
    "Message",
    "Reading",
    "Rejected",
    "Source",
    "Summary",
    "ToolCall",
    "check_there",
    "conversation_digest",
    "digest_of",
    "each_instruction",
    "find_duplicates",
    "find_sources",
    "from_frame",
    "read_instructions",
    "short_name",
    "to_arrow",
    "to_frame",
    "write_rejects",
]
