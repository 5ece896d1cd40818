"""Names that visitors give to selections, sets, exports and evaluations: one rule for all, checked as typed.

Names of targets have a wider one (`g2is.pipeline.targets.check_name`): they are no names of files.
"""

from __future__ import annotations

import re
from typing import Any

import streamlit as st

from g2is.config.names import LONGEST, PATTERN, RULE, check_name, is_name
from g2is.errors import InputError


def name_box(label: str, value: str = "", **options: Any) -> str:
    """A box for a name in a form, which the browser does not send with one that breaks the rule.

    value: at first; one of an earlier version that breaks the rule can stay. options: see `st.text_input`.
    """
    rule = (rf"^\s*({PATTERN})?\s*$", f"Expected {RULE}.")
    typed: str = st.text_input(
        label, value, max_chars=LONGEST, validate=rule if not value or is_name(value) else None, **options
    )
    return typed.strip()


def checked_name(text: str) -> str:
    """A name that was typed, without spaces around it. Raises `InputError` for one that breaks the rule."""
    try:
        return check_name(text.strip())
    except ValueError as error:
        raise InputError(str(error)) from None


def fitting_name(wanted: str, ending: str = "") -> str:
    """A name by the rule from any text, cut where it is too long for one with this ending."""
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", wanted).strip("-.") or "export"
    return plain[: LONGEST - len(ending)] + ending
