"""Names that people give to what is saved with a run: selections, sets, exports and evaluations."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from g2is.errors import shortened

LONGEST = 80
PATTERN = rf"[A-Za-z0-9_][A-Za-z0-9_.\-]{{0,{LONGEST - 1}}}"
"""Of a name, for programs in any language."""
_NAME = re.compile(PATTERN)
_VERSION = re.compile(r"[0-9a-f]{12}")


RULE = (
    f"up to {LONGEST} letters a-z, digits, hyphens, underscores and dots, beginning with a letter, a digit or an "
    "underscore"
)


def check_name(text: str) -> str:
    """The name as it is; raises ValueError where no file should be called that."""
    if not _NAME.fullmatch(text):
        raise ValueError(f"name = {shortened(text)!r}: expected {RULE}")
    return text


def is_name(text: str) -> bool:
    """Whether `check_name` accepts it."""
    return _NAME.fullmatch(text) is not None


def split_reference(text: str) -> tuple[str, str]:
    """The name of a set and its version, "" where it is the present one: `good`, or `good@0f1e2d3c4b5a`.

    Raises ValueError for anything else.
    """
    name, at, version = text.partition("@")
    if at and not _VERSION.fullmatch(version):
        raise ValueError(f"set = {shortened(text)!r}: expected NAME, or NAME@ and 12 hexadecimal digits")
    return check_name(name), version


def _check_reference(text: str) -> str:
    split_reference(text)
    return text


SetReference = Annotated[str, AfterValidator(_check_reference)]
"""A named set of the run, see `split_reference`."""
