"""Commands for a person to copy: the only place that writes them.

The words of settings come from `grammar`, so that every command here is one that the command line reads back.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from g2is.config.build import BuildConfig, ImportConfig
from g2is.config.grammar import argument, write_settings
from g2is.config.walk import WALK_PRESETS, WalkParameters

PROGRAM = "g2is"
CACHE = Path("cache")
"""Where runs live unless --cache names another folder."""
BLANK = "…"
"""Stands for words that the reader has to fill in."""


def command(*words: str | Path, cache: str | Path = CACHE) -> str:
    """A command line, quoted for a shell, with --cache where `cache` is not the default."""
    place = [] if Path(cache) == CACHE else ["--cache", cache]
    return " ".join([PROGRAM, *(_quoted(str(word)) for word in (*words, *place))])


def walk_command(run: str, parameters: dict[str, Any], *, output: str, cache: str | Path = CACHE) -> str:
    """Repeats a walk: the preset closest to its parameters, and all that differs from it."""
    walk = WalkParameters(**parameters)
    changes = {name: _changes(walk, name) for name in WALK_PRESETS}
    preset = min(changes, key=lambda name: len(changes[name]))
    words = ("--preset", preset, *changes[preset], *argument("output", output))
    return command("walk", run, *words, cache=cache)


def export_command(
    run: str, *, selection: str | Path, format: str, output: str, cache: str | Path = CACHE
) -> str:
    """Exports a selection again."""
    words = (*argument("selection", selection), "--format", format, *argument("output", output))
    return command("export", run, *words, cache=cache)


def build_command(
    config: BuildConfig | ImportConfig,
    run: str,
    train: Iterable[str],
    validation: Iterable[tuple[str, str]],
    *,
    cache: str | Path = CACHE,
) -> str:
    """Resumes or repairs a build or an import: the same settings and files again.

    train: the files of the pool. validation: target and file of each. A run does not record which files imported
    gradients came from; blanks stand for them.
    """
    words = [*argument("run", run), *argument("train", *train)]
    if isinstance(config, ImportConfig):
        name = "import"
        words += ["--train-gradients", BLANK, "--validation-gradients", BLANK]
    else:
        name = "build"
        for target, file in validation:
            words += argument("validation", f"{target}={file}")
    return command(name, *words, *write_settings(config), cache=cache)


def _changes(walk: WalkParameters, preset: str) -> list[str]:
    """The arguments that give a walk's parameters when they follow a preset."""
    values = WALK_PRESETS[preset]
    if "facets_by" in values and walk.facets != WalkParameters.model_fields["facets"].default:
        # With a number of facets `walk_preset` drops the preset's facets_by.
        values = {name: value for name, value in values.items() if name != "facets_by"}
    return write_settings(walk, values)


def _quoted(word: str) -> str:
    return word if word == BLANK else shlex.quote(word)
