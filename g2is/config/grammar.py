"""Settings as arguments of the command line, and back."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, NoReturn, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from g2is.config import Settings
from g2is.errors import InputError, shortened

AddCommand = Callable[[str, Callable[[argparse.Namespace], None], str], argparse.ArgumentParser]
"""Adds a command: its name, what it does, and a line of help."""


class OneLineParser(argparse.ArgumentParser):
    """Says what is wrong in one line instead of printing the usage first."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{shortened(message, 500)}; see {self.prog} --help")


def add_settings(parser: argparse.ArgumentParser, settings: type[Settings], prefix: str = "") -> None:
    """One `--argument` for every field; what is not given stays out of the namespace."""
    group = parser.add_argument_group((settings.__doc__ or "").split("\n")[0])
    for name, field in settings.model_fields.items():
        text = field.description or ""
        if not field.is_required() and field.default not in (None, ()):
            text += f" [{shown(field.default)}]"
        add_field(group, prefix + name, field, text)


def add_field(group: argparse._ActionsContainer, name: str, field: FieldInfo, text: str) -> None:
    """The argument for one field of settings, with its help."""
    kind = _plain(field.annotation)
    options: dict[str, Any] = {"help": text.replace("%", "%%"), "default": argparse.SUPPRESS, "dest": name}
    if kind is bool:
        # `--skip-bad` turns on, `--center off` turns off: a rule named no_conflict needs no --no-no-conflict.
        options.update(nargs="?", const="on", choices=("on", "off"), metavar="on|off")
    elif get_origin(kind) is Literal:
        options["choices"] = get_args(kind)
    elif get_origin(kind) is tuple:
        options["nargs"] = "+"
        if get_origin(get_args(kind)[0]) is Literal:
            options["choices"] = get_args(get_args(kind)[0])
        else:
            options["metavar"] = _metavar(_plain(get_args(kind)[0]))
    elif get_origin(kind) is dict:
        options["nargs"] = "+"
        options["metavar"] = "NAME=SHARE"
    else:
        options["metavar"] = _metavar(kind)
        options["required"] = field.is_required()
    group.add_argument(f"--{name.replace('_', '-')}", **options)


def given(settings: type[Settings], arguments: argparse.Namespace, prefix: str = "") -> dict[str, Any]:
    """The fields of `settings` that were given, still as text; the settings check them."""
    values = {}
    for name, field in settings.model_fields.items():
        if (value := getattr(arguments, prefix + name, None)) is not None:
            values[name] = _shares(name, value) if get_origin(_plain(field.annotation)) is dict else value
    return values


def _plain(annotation: Any) -> Any:
    """The type itself of an optional one, or of one with bounds."""
    if get_origin(annotation) is Annotated:
        return get_args(annotation)[0]
    if get_origin(annotation) in (Union, UnionType):
        return next(kind for kind in get_args(annotation) if kind is not type(None))
    return annotation


def shown(default: Any) -> str:
    """A default as it would be typed."""
    if isinstance(default, bool):
        return "on" if default else "off"
    return " ".join(map(str, default)) if isinstance(default, tuple) else str(default)


def _metavar(kind: Any) -> str:
    return {int: "N", float: "X", str: "TEXT"}.get(kind, "VALUE")


def _shares(name: str, values: Sequence[str]) -> dict[str, str]:
    shares = dict(value.rpartition("=")[::2] for value in values)
    if "" in shares:
        raise InputError(f"{name}: expected NAME=SHARE, such as gsm8k=0.5")
    return shares


def named(value: str) -> tuple[str, str]:
    """[NAME=]FILE as name, "" without one, and file.

    What exists as it stands is a file with `=` in its path; in all else the first `=` ends the name.
    """
    name, equals, file = value.partition("=")
    return (name, file) if equals and not _exists(value) else ("", value)


def _exists(path: str) -> bool:
    try:
        return Path(path).exists()
    except (OSError, ValueError):  # no file can have this name
        return False
