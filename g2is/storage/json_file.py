"""Small JSON files that others may have put there: of a bounded size, and nested no deeper than can be worked with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from g2is.errors import shortened
from g2is.storage.files import read_small

# Of pydantic, since it refuses what is nested deeper than 200 levels; `json` depends on what is left of the stack.
_ANY: TypeAdapter[Any] = TypeAdapter(Any)


def read_json(path: Path, most: int) -> Any:
    """The content of a file of at most `most` bytes.

    Raises `ValueError` for what is not JSON or is nested deeply, `InputError` for what is no file or larger, `OSError`
    for what cannot be opened.
    """
    data = read_small(path, most)
    try:
        return _ANY.validate_json(data)
    except ValidationError as error:
        raise ValueError(shortened(error.errors()[0]["msg"], 200)) from None
