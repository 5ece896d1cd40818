"""The command line: python -m g2is <command>.

Exit code 0; 2 for wrong input, with one line that says what and how to mend it; 1 for a fault.
Arguments are made from `config`, which also checks them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Union, get_args, get_origin

from g2is import __version__
from g2is.config import (
    REGIMES,
    WALK_PRESETS,
    BuildConfig,
    GradientConfig,
    GraphConfig,
    ImportConfig,
    LoraSettings,
    ModelConfig,
    ReadingConfig,
    Settings,
    WalkParameters,
    WarmupConfig,
    walk_preset,
)
from g2is.errors import InputError

if TYPE_CHECKING:
    from g2is.pipeline import Target
    from g2is.run import Run


class OneLineParser(argparse.ArgumentParser):
    """Says what is wrong in one line instead of printing the usage first."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; see {self.prog} --help")


# Settings as arguments


def add_settings(parser: argparse.ArgumentParser, settings: type[Settings], prefix: str = "") -> None:
    """One `--argument` for every field; what is not given stays out of the namespace."""
    group = parser.add_argument_group((settings.__doc__ or "").split("\n")[0])
    for name, field in settings.model_fields.items():
        kind = _plain(field.annotation)
        text = (field.description or "").replace("%", "%%")
        if not field.is_required() and field.default not in (None, ()):
            text += f" [{_shown(field.default)}]"
        options: dict[str, Any] = {"help": text, "default": argparse.SUPPRESS, "dest": f"{prefix}{name}"}
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
                options["metavar"] = _metavar(get_args(kind)[0])
        elif get_origin(kind) is dict:
            options["nargs"] = "+"
            options["metavar"] = "NAME=SHARE"
        else:
            options["metavar"] = _metavar(kind)
            options["required"] = field.is_required()
        group.add_argument(f"--{(prefix + name).replace('_', '-')}", **options)


def given(settings: type[Settings], arguments: argparse.Namespace, prefix: str = "") -> dict[str, Any]:
    """The fields of `settings` that were given, still as text; the settings check them."""
    values = {}
    for name, field in settings.model_fields.items():
        if (value := getattr(arguments, prefix + name, None)) is not None:
            values[name] = _shares(name, value) if get_origin(_plain(field.annotation)) is dict else value
    return values


def _plain(annotation: Any) -> Any:
    """The type itself of an optional one."""
    if get_origin(annotation) in (Union, UnionType):
        return next(kind for kind in get_args(annotation) if kind is not type(None))
    return annotation


def _shown(default: Any) -> str:
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


# Commands


def build(arguments: argparse.Namespace) -> None:
    config = BuildConfig(
        model=ModelConfig(**given(ModelConfig, arguments)),
        reading=ReadingConfig(**given(ReadingConfig, arguments)),
        lora=LoraSettings(**given(LoraSettings, arguments, "lora_")),
        warmup=WarmupConfig(**given(WarmupConfig, arguments, "warmup_")),
        gradients=GradientConfig(**given(GradientConfig, arguments)),
        graph=GraphConfig(**given(GraphConfig, arguments)),
    )
    from g2is.pipeline import build

    run = build(
        _run_folder(arguments),
        config,
        [Path(path) for path in arguments.train],
        _targets(arguments.validation),
        overwrite=arguments.overwrite,
        say=_say,
    )
    _say(f"run {run.name} is complete: {run.folder}")


def import_gradients(arguments: argparse.Namespace) -> None:
    config = ImportConfig(
        reading=ReadingConfig(**given(ReadingConfig, arguments)),
        graph=GraphConfig(**given(GraphConfig, arguments)),
        **({"regime": arguments.regime} if arguments.regime else {}),
    )
    from g2is.pipeline import import_run

    run = import_run(
        _run_folder(arguments),
        config,
        [Path(path) for path in arguments.train],
        arguments.train_gradients,
        _targets(arguments.validation_gradients),
        graph=arguments.graph,
        overwrite=arguments.overwrite,
        say=_say,
    )
    _say(f"run {run.name} is complete: {run.folder}")


def demo(arguments: argparse.Namespace) -> None:
    from g2is.demo.run import build_demo

    run = build_demo(_run_folder(arguments), overwrite=arguments.overwrite, say=_say)
    _say(f"run {run.name} is complete: {run.folder}")


def walk(arguments: argparse.Namespace) -> None:
    parameters = walk_preset(arguments.preset, **given(WalkParameters, arguments))
    run = _open(arguments)
    from g2is.diagnosis import diagnose
    from g2is.selection import save_walk

    if arguments.output is not None and (arguments.output.is_dir() or not arguments.output.name):
        raise InputError(f"output = {str(arguments.output)!r}: is a folder, expected the name of a file")
    trace = run.walk(parameters)
    print(diagnose(run, trace))
    output = arguments.output or run.folder / "selections" / f"{arguments.preset}.json"
    save_walk(output, run, trace)
    _say(f"{len(trace.steps):,} samples written to {output}")


def explain(arguments: argparse.Namespace) -> None:
    from g2is.selection import Selection
    from g2is.trace_file import read_trace, trace_path

    run = _open(arguments)
    selection = Selection.read(arguments.selection, run)
    trace = read_trace(trace_path(arguments.selection))
    if trace.samples.tolist() != selection.samples:
        raise InputError(
            f"{trace_path(arguments.selection)}: the trace of another walk; walk again to write both"
        )
    print(run.explain(trace, run.row(arguments.sample)).text)


def export(arguments: argparse.Namespace) -> None:
    from g2is.export import export
    from g2is.selection import Selection

    run = _open(arguments)
    selection = Selection.read(arguments.selection, run)
    exported = export(run, selection, arguments.format, arguments.output, overwrite=arguments.overwrite)
    for note in exported.notes:
        _say(f"note: {note}")
    tokens = "" if exported.tokens is None else f", {exported.tokens:,} tokens"
    _say(f"{exported.samples:,} samples{tokens} written: {', '.join(map(str, exported.files))}")


def verify(arguments: argparse.Namespace) -> None:
    run = _open(arguments)
    problems = run.check()
    if not run.complete:
        problems.append(f"{run.folder}: not finished; run the same build command again")
    if problems:
        raise InputError("; ".join(problems))
    _say(f"run {run.name}: {len(run.manifest.files)} files are as they were written")


def _targets(values: Sequence[str]) -> list[Target]:
    """[NAME=]FILE as targets; a file without a name is named after itself."""
    from g2is.pipeline import Target

    targets = []
    for value in values:
        name, _, path = value.rpartition("=")
        targets.append(Target(name or Path(path).stem, Path(path)))
    names = [target.name for target in targets]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"validation target {name!r} is given twice; name each one: NAME=FILE")
    return targets


def _run_folder(arguments: argparse.Namespace) -> Path:
    name = arguments.run
    if not name or name in {".", ".."} or "/" in name or "\\" in name or name.startswith("."):
        raise InputError(f"run = {name!r}: expected a plain name; --cache says where runs live")
    return Path(arguments.cache) / name


def _open(arguments: argparse.Namespace) -> Run:
    """A run given by name, or by the path of its folder."""
    from g2is.run import Run

    path = Path(arguments.run)
    return Run.open(path if len(path.parts) > 1 else Path(arguments.cache) / path)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def make_parser() -> argparse.ArgumentParser:
    from g2is.export import FORMATS

    parser = OneLineParser(prog="python -m g2is", description="Select instruction-tuning data by gradients.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], None], text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text)
        made.set_defaults(do=run)
        made.add_argument("--cache", type=Path, default=Path("cache"), help="folder where runs live [cache]")
        return made

    made = command("build", build, "gradients, graph and all else a run holds; again to resume or mend")
    made.add_argument("--run", required=True, help="name of the run")
    made.add_argument("--train", nargs="+", required=True, metavar="FILE", help="the pool of instructions")
    made.add_argument(
        "--validation",
        action="append",
        required=True,
        metavar="[NAME=]FILE",
        help="examples of a target domain; once for each target",
    )
    made.add_argument("--overwrite", action="store_true", help="replace a run of that name")
    for settings, prefix in (
        (ModelConfig, ""),
        (ReadingConfig, ""),
        (LoraSettings, "lora_"),
        (WarmupConfig, "warmup_"),
        (GradientConfig, ""),
        (GraphConfig, ""),
    ):
        add_settings(made, settings, prefix)

    made = command("import", import_gradients, "a run from gradients that were computed elsewhere")
    made.add_argument("--run", required=True, help="name of the run")
    made.add_argument("--train", nargs="+", required=True, metavar="FILE", help="the pool of instructions")
    made.add_argument(
        "--train-gradients",
        type=Path,
        required=True,
        metavar="FILE",
        help=".pt (weights only), .npy, .safetensors, or a folder of LESS: one row a record",
    )
    made.add_argument(
        "--validation-gradients",
        action="append",
        required=True,
        metavar="[NAME=]FILE",
        help="gradients of the examples of a target; once for each target",
    )
    made.add_argument("--graph", type=Path, metavar="FILE", help="neighbour lists to keep (computed)")
    made.add_argument("--regime", choices=REGIMES, help="what the training gradients are [adam]")
    made.add_argument("--overwrite", action="store_true", help="replace a run of that name")
    add_settings(made, ReadingConfig)
    add_settings(made, GraphConfig)

    made = command("demo", demo, "build the demo run from the embedded model and data")
    made.add_argument("--run", default="demo", help="name of the run [demo]")
    made.add_argument("--overwrite", action="store_true", help="replace a run of that name")

    made = command("walk", walk, "select samples by the gradient walk")
    made.add_argument("run", help="name or folder of the run")
    made.add_argument("--preset", default="recommended", help=f"{', '.join(WALK_PRESETS)} [recommended]")
    made.add_argument("--output", type=Path, help="selection file [selections/<preset>.json in the run]")
    add_settings(made, WalkParameters)

    made = command("explain", explain, "why a sample is in a walk's selection, or why not")
    made.add_argument("run", help="name or folder of the run")
    made.add_argument("--selection", type=Path, required=True, help="selection file of a walk")
    made.add_argument("--sample", required=True, help="row of the pool, or source:line")

    made = command("export", export, "write a selection as files that trainers read")
    made.add_argument("run", help="name or folder of the run")
    made.add_argument("--selection", type=Path, required=True, help="selection file")
    formats = "; ".join(f"{format.name}: {format.purpose}" for format in FORMATS.values())
    made.add_argument("--format", default="jsonl", choices=FORMATS, help=f"{formats} [jsonl]")
    made.add_argument("--output", type=Path, required=True, help="folder to write")
    made.add_argument("--overwrite", action="store_true", help="replace an earlier export there")

    made = command("verify", verify, "check every file of a run against its manifest")
    made.add_argument("run", help="name or folder of the run")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    try:
        parsed = make_parser().parse_args(arguments)
        parsed.do(parsed)
    except InputError as error:
        _say(f"error: {error}")
        return 2
    except KeyboardInterrupt:
        _say("stopped; the same command goes on from here")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
