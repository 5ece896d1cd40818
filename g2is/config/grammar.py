"""Settings as arguments of the command line: declared, read and written.

`add_settings` declares the arguments of a class of settings, `read_settings` reads the settings from parsed arguments,
`write_settings` writes the arguments that `read_settings` reads as the same settings.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, NoReturn, TypeVar, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from g2is.config.settings import Settings
from g2is.errors import InputError, shortened

AddCommand = Callable[[str, Callable[[argparse.Namespace], None], str], argparse.ArgumentParser]
"""Adds a command: its name, the function that runs it, a line of help."""

S = TypeVar("S", bound=Settings)


def _once(kind: type[argparse.Action]) -> type[argparse.Action]:
    """The action for an argument that is given once: of two values, argparse would silently take the last."""

    class Once(kind):  # type: ignore[misc, valid-type]
        def __call__(
            self,
            parser: argparse.ArgumentParser,
            namespace: argparse.Namespace,
            values: Any,
            option_string: str | None = None,
        ) -> None:
            given = namespace.__dict__.setdefault(_GIVEN, set())
            if self.option_strings and self.dest in given:
                parser.error(f"argument {option_string}: is given twice, expected once")
            given.add(self.dest)
            super().__call__(parser, namespace, values, option_string)

    return Once


_GIVEN = "arguments given"


COMMAND_PARSER = "command_parser"
"""Where parsed arguments hold the parser of their command."""


class OneLineParser(argparse.ArgumentParser):
    """A parser that raises `InputError` instead of printing its usage and exiting, also for an argument given twice
    that does not add up."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        store, store_true = argparse._StoreAction, argparse._StoreTrueAction
        for name, kind in ((None, store), ("store", store), ("store_true", store_true)):
            self.register("action", name, _once(kind))

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """The arguments; what is unknown is an error of the command that it was given to."""
        parsed, unknown = self.parse_known_args(args, namespace)
        if unknown:
            getattr(parsed, COMMAND_PARSER, self).refuse(unknown)
        return parsed

    def _print_message(self, message: str, file: Any = None) -> None:
        """Print a help; argparse itself keeps quiet about what cannot be written."""
        file = file or sys.stderr
        file.write(message)
        file.flush()

    def refuse(self, unknown: Sequence[str]) -> NoReturn:
        """Say which arguments are unknown, and which are alike to the first of them."""
        known = [flag for action in self._actions for flag in action.option_strings if flag.startswith("--")]
        near = get_close_matches(unknown[0].partition("=")[0], known, 2)
        meant = f" (is {' or '.join(near)} meant?)" if near else ""
        self.error(f"unrecognized arguments: {' '.join(unknown)}{meant}")

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{shortened(message, 500)}; see {self.prog} --help")

    def as_typed(self, message: str) -> str:
        """A message that begins with the name of a setting, with the argument in its place: `--fraction = …`."""
        found = re.match(r"(\w+)(?:\.\d+)?(?= = |: |\.)", message)
        flags = {action.dest: action.option_strings[-1] for action in self._actions if action.option_strings}
        flags.pop("cache", None)  # `cache: …` is about a folder of that name
        return f"{flags[found[1]]}{message[found.end() :]}" if found and found[1] in flags else message


def add_settings(parser: argparse.ArgumentParser, kind: type[Settings]) -> None:
    """Declare one `--argument` for every field, those of nested settings included.

    An argument that is not given stays out of the namespace. The name begins with the settings'
    `argument_prefix`: the rank of `LoraSettings` is `--lora-rank`.
    """
    group = parser.add_argument_group((kind.__doc__ or "").split("\n")[0])
    for name, field in kind.model_fields.items():
        if nested := _nested(field):
            add_settings(parser, nested)
            continue
        text = field.description or ""
        if not field.is_required() and field.default not in (None, ()):
            text += f" [{typed(field.default)}]"
        add_field(group, kind.argument_prefix + name, field, text)


def add_field(group: argparse._ActionsContainer, name: str, field: FieldInfo, text: str) -> None:
    """Declare the argument of one field, with its help text."""
    kind = _without_none(field.annotation)
    options: dict[str, Any] = {"help": text.replace("%", "%%"), "default": argparse.SUPPRESS, "dest": name}
    if kind is bool:
        # `--skip-bad` alone is on; `--center off` turns off, so that no_conflict needs no --no-no-conflict.
        options.update(nargs="?", const="on", choices=("on", "off"), metavar="on|off")
    elif get_origin(kind) is Literal:
        options["choices"] = get_args(kind)
    elif get_origin(kind) is tuple:
        options.update(nargs="+", action="extend")
        if get_origin(get_args(kind)[0]) is Literal:
            options["choices"] = get_args(get_args(kind)[0])
        else:
            options["metavar"] = _metavar(_without_none(get_args(kind)[0]))
    elif get_origin(kind) is dict:
        options.update(nargs="+", action="extend", metavar="NAME=SHARE")
    else:
        options["metavar"] = _metavar(kind)
        options["required"] = field.is_required()
    group.add_argument(_flag(name), **options)


def given(kind: type[Settings], arguments: argparse.Namespace) -> dict[str, Any]:
    """The fields of `kind` among the arguments, without nested settings; values are unchecked text."""
    values = {}
    for name, field in kind.model_fields.items():
        if not _nested(field) and hasattr(arguments, kind.argument_prefix + name):
            value = getattr(arguments, kind.argument_prefix + name)
            values[name] = (
                _shares(name, value) if get_origin(_without_none(field.annotation)) is dict else value
            )
    return values


def read_settings(kind: type[S], arguments: argparse.Namespace) -> S:
    """The settings, nested ones included, from the arguments; fields without an argument have their defaults."""
    nested = {
        name: read_settings(inner, arguments)
        for name, field in kind.model_fields.items()
        if (inner := _nested(field))
    }
    return kind(**nested, **given(kind, arguments))


def write_settings(settings: Settings, defaults: Mapping[str, Any] | None = None) -> list[str]:
    """The arguments that give these settings: one for every field that differs from its default.

    defaults: values that take the place of the class's own, such as a preset's.
    """
    words: list[str] = []
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        if isinstance(value, Settings):
            words += write_settings(value)
        elif field.is_required() or value != (defaults or {}).get(name, field.default):
            words += argument(settings.argument_prefix + name, *_words(value))
    return words


def typed(value: Any) -> str:
    """A value as it is typed on the command line."""
    return " ".join(_words(value))


def argument(name: str, *values: Any) -> list[str]:
    """The words of one argument, by the name of its setting.

    argparse accepts a value that begins with a hyphen only after `=`, and there one value a flag.
    """
    flag, words = _flag(name), [str(value) for value in values]
    if any(word.startswith("-") for word in words):
        return [f"{flag}={word}" for word in words]
    return [flag, *words]


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _words(value: Any) -> list[str]:
    """A value as words of the command line."""
    if isinstance(value, bool):
        return ["on" if value else "off"]
    if isinstance(value, dict):
        return [f"{key}={share}" for key, share in value.items()]
    return [str(item) for item in (value if isinstance(value, tuple) else (value,))]


def _nested(field: FieldInfo) -> type[Settings] | None:
    """The class of a field that holds settings itself."""
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, Settings) else None


def _without_none(annotation: Any) -> Any:
    """The type of an optional field, or of one with bounds."""
    if get_origin(annotation) is Annotated:
        return get_args(annotation)[0]
    if get_origin(annotation) in (Union, UnionType):
        return next(kind for kind in get_args(annotation) if kind is not type(None))
    return annotation


def _metavar(kind: Any) -> str:
    return {int: "N", float: "X", str: "TEXT"}.get(kind, "VALUE")


def _shares(name: str, values: Sequence[str]) -> dict[str, str]:
    shares = dict(value.rpartition("=")[::2] for value in values)
    if "" in shares:
        raise InputError(f"{name}: expected NAME=SHARE, such as gsm8k=0.5")
    return shares


def named(value: str) -> tuple[str, str]:
    """[NAME=]FILE as name, "" without one, and file.

    A value that exists as a path is a file, `=` in it or not; in all others the first `=` ends the name.
    """
    name, equals, file = value.partition("=")
    return (name, file) if equals and not _exists(value) else ("", value)


def _exists(path: str) -> bool:
    try:
        return Path(path).exists()
    except (OSError, ValueError):  # no file can have this name
        return False
