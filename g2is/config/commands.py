"""Commands for a person to copy: the only place that writes them.

The words of settings come from `grammar`, so that every command here is one that the command line reads back.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from g2is.config.build import BuildConfig, ImportConfig, ReadingConfig
from g2is.config.grammar import argument, write_settings
from g2is.config.model import ModelConfig
from g2is.config.walk import WALK_PRESETS, WalkParameters

PROGRAM = "g2is"
CACHE = Path("cache")
"""Where runs live unless --cache names another folder."""
LENGTH = 2048
"""Tokens that `inspect` cuts at unless --max-length is given."""
BLANK = "…"
"""Stands for words that the reader has to fill in."""


def command(*words: str | Path, cache: str | Path = CACHE) -> str:
    """A command line, quoted for a shell, with --cache where `cache` is not the default."""
    place = [] if Path(cache) == CACHE else ["--cache", cache]
    return " ".join([PROGRAM, *(_quoted(str(word)) for word in (*words, *place))])


def walk_command(run: str, parameters: dict[str, Any], *, output: str, cache: str | Path = CACHE) -> str:
    """Repeats a walk: the preset closest to its parameters, and all that differs from it."""
    walk = WalkParameters(**parameters)
    changes = {name: _changes(walk, name) for name in WALK_PRESETS if _can_follow(walk, name)}
    preset = min(changes, key=lambda name: len(changes[name]))
    words = ("--preset", preset, *changes[preset], *argument("output", output))
    return command("walk", run, *words, cache=cache)


def export_command(
    run: str,
    *,
    selection: str | Path | None = None,
    set: str | None = None,
    format: str,
    output: str,
    tags: bool = False,
    cache: str | Path = CACHE,
) -> str:
    """Exports a selection again, or a named set."""
    what = argument("set", set) if selection is None else argument("selection", selection)
    words = (*what, "--format", format, *argument("output", output), *(["--tags"] if tags else []))
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


def inspect_command(
    files: Iterable[str], reading: ReadingConfig, model: str | None = None, max_length: int = LENGTH
) -> str:
    """Checks files again. model: a folder or name; None for LESS's format. max_length: tokens to cut at."""
    # A file whose name begins with a hyphen would be an option.
    words = [f"./{file}" if file.startswith("-") else file for file in files]
    if model is not None:
        words += argument("model", model)
        words += argument("max_length", max_length) if max_length != LENGTH else []
    return command("inspect", *words, *write_settings(reading))


def first_build_command(
    files: Iterable[str],
    reading: ReadingConfig,
    model: str | None = None,
    max_length: int = LENGTH,
    *,
    cache: str | Path = CACHE,
) -> str:
    """Builds a run on files that were checked, with blanks for the run's name, the validation file, and the model where
    it is None."""
    settings = ModelConfig(
        model=model or BLANK, max_length=max_length if model and max_length != LENGTH else None
    )
    words = [*argument("run", BLANK), *argument("train", *files), *argument("validation", BLANK)]
    config = BuildConfig(model=settings, reading=reading)
    return command("build", *words, *write_settings(config), cache=cache)


def target_words(
    action: str,
    run: str,
    named: Iterable[str],
    reading: ReadingConfig | None = None,
    *,
    model: str | None = None,
    output: str | None = None,
    cache: str | Path = CACHE,
) -> list[str]:
    """The words of `target add` and `target compute`, without the program. named: NAME=FILE of each file."""
    words = [action, run, *named]
    options = [
        *(argument("model", model) if model else []),
        *(argument("output", output) if output else []),
        *(write_settings(reading) if reading else []),
        *([] if Path(cache) == CACHE else ["--cache", str(cache)]),
    ]
    # Only after `--` may a name begin with a hyphen.
    hyphen = any(word.startswith("-") for word in words)
    return ["target", *options, "--", *words] if hyphen else ["target", *words, *options]


def _can_follow(walk: WalkParameters, preset: str) -> bool:
    """Whether arguments can change the preset into the walk: none of them can take a value away."""
    return all(getattr(walk, name) is not None for name in WALK_PRESETS[preset])


def _changes(walk: WalkParameters, preset: str) -> list[str]:
    """The arguments that give a walk's parameters when they follow a preset."""
    values = WALK_PRESETS[preset]
    if "facets_by" in values and walk.facets != WalkParameters.model_fields["facets"].default:
        # With a number of facets `walk_preset` drops the preset's facets_by.
        values = {name: value for name, value in values.items() if name != "facets_by"}
    return write_settings(walk, values)


def _quoted(word: str) -> str:
    return word if word == BLANK else shlex.quote(word)
