"""The command lines that give the same files again."""

from __future__ import annotations

import shlex
from typing import Any

from g2is.config import WALK_PRESETS, WalkParameters


def walk_command(run: str, parameters: dict[str, Any], *, output: str) -> str:
    """Repeats a walk: the preset closest to its parameters, and all that differs from it."""
    preset, changes = min(
        ((name, _changes(name, parameters)) for name in WALK_PRESETS), key=lambda item: len(item[1])
    )
    arguments = [part for name, value in changes.items() for part in _argument(name, value)]
    return _command("walk", run, "--preset", preset, *arguments, "--output", output)


def export_command(run: str, *, selection: str, format: str, output: str) -> str:
    """Writes a selection again."""
    return _command("export", run, "--selection", selection, "--format", format, "--output", output)


def _changes(preset: str, parameters: dict[str, Any]) -> dict[str, Any]:
    # Not checked: presets leave the budget open, which WalkParameters refuses.
    base = WalkParameters.model_construct(**WALK_PRESETS[preset])
    return {name: value for name, value in WalkParameters(**parameters) if value != getattr(base, name)}


def _argument(name: str, value: Any) -> list[str]:
    """A setting as `g2is.config.grammar.add_settings` reads it."""
    flag = name.replace("_", "-")
    if isinstance(value, bool):
        return [f"--{flag}", "on" if value else "off"]
    if isinstance(value, dict):
        return [f"--{flag}", *(f"{key}={share}" for key, share in value.items())]
    if isinstance(value, tuple):
        return [f"--{flag}", *map(str, value)]
    return [f"--{flag}", str(value)]


def _command(*parts: str) -> str:
    return shlex.join(["python", "-m", "g2is", *parts])
