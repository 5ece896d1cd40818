"""Commands that write a run: build, import, whiten, demo, upgrade."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from g2is.cli.runs import open_run, run_folder, say
from g2is.config import BuildConfig, EngineConfig, EnsembleConfig, GradientConfig, ImportConfig
from g2is.config.grammar import AddCommand, add_settings, given, named, read_settings
from g2is.errors import InputError

if TYPE_CHECKING:
    from g2is.pipeline.extras import Extras
    from g2is.pipeline.inputs import Target
    from g2is.run.run import Run


def register(command: AddCommand) -> None:
    """Add the commands to the parser."""
    parser = command(
        "build",
        build,
        "compute gradients, graph and everything else of a run; run it again to resume or repair",
    )
    parser.add_argument("--run", required=True, help="name of the run")
    add_train(parser, "the pool of instructions")
    parser.add_argument(
        "--validation",
        action="append",
        required=True,
        metavar="[NAME=]FILE",
        help="examples of a target domain; once for each target",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace a run of that name")
    add_settings(parser, BuildConfig)
    add_settings(parser, EngineConfig)
    _add_extras(parser)

    parser = command("import", import_gradients, "a run from gradients that were computed elsewhere")
    parser.add_argument("--run", required=True, help="name of the run")
    add_train(parser, "the pool of instructions")
    parser.add_argument(
        "--train-gradients",
        type=Path,
        nargs="+",
        action="extend",
        required=True,
        metavar="FILE",
        help=".pt (weights only), .npy, .safetensors, or a folder of LESS or bergson: one row a record; several data "
        "sets in the order of --train, each at every checkpoint (dolly-ckpt105-adam/dim8192)",
    )
    parser.add_argument(
        "--validation-gradients",
        action="append",
        required=True,
        metavar="[NAME=]FILE",
        help="gradients of the examples of a target; once for each target and checkpoint",
    )
    parser.add_argument("--graph", type=Path, metavar="FILE", help="neighbour lists to keep (computed)")
    parser.add_argument("--overwrite", action="store_true", help="replace a run of that name")
    add_settings(parser, ImportConfig)

    parser = command("whiten", whiten, "add whitened gradients to a finished run, without the model")
    parser.add_argument("run", help="name or folder of the run")
    parser.add_argument(
        "--whitening-lambda",
        type=float,
        metavar="X",
        help="what is added to the second moment of the unit rows, whose eigenvalues sum to 1 [their mean]",
    )

    parser = command("upgrade", upgrade, "bring a run of an earlier format to the present one, on request")
    parser.add_argument("run", help="name or folder of the run")

    parser = command(
        "demo",
        demo,
        "build the demo run from the embedded model and data, with selections and fine-tuning results",
    )
    parser.add_argument("--run", default="demo", help="name of the run [demo]")
    parser.add_argument("--run-only", action="store_true", help="no selections and no fine-tuning")
    parser.add_argument("--overwrite", action="store_true", help="replace a run of that name")
    _add_extras(parser)


def add_train(parser: argparse.ArgumentParser, what: str) -> None:
    """The files of instructions. what: what they are."""
    parser.add_argument(
        "--train",
        nargs="+",
        action="extend",
        required=True,
        metavar="FILE",
        help=f"{what}: files, folders, - for the standard input, or hf:owner/name[:split]",
    )


def _add_extras(parser: argparse.ArgumentParser) -> None:
    """The optional stages and their settings."""
    parser.add_argument(
        "--extras",
        nargs="+",
        default=[],
        choices=("representations", "ensemble"),
        help="optional stages to add, to a finished run as well: representations (for the methods rds_plus and "
        "semantic), ensemble (for gradfiltering)",
    )
    add_settings(parser, EnsembleConfig)


def _extras(arguments: argparse.Namespace) -> Extras:
    from g2is.pipeline.extras import Extras

    settings = given(EnsembleConfig, arguments)
    if settings and "ensemble" not in arguments.extras:
        raise InputError(f"ensemble_{next(iter(settings))}: is for --extras ensemble, which was not given")
    return Extras(
        representations="representations" in arguments.extras,
        ensemble=EnsembleConfig(**settings) if "ensemble" in arguments.extras else None,
    )


def build(arguments: argparse.Namespace) -> None:
    config, engine = read_settings(BuildConfig, arguments), read_settings(EngineConfig, arguments)
    from g2is.instructions import check_there

    folder = run_folder(arguments)
    check_there([*arguments.train, *(file for _, file in map(named, arguments.validation))])
    from g2is.pipeline.build import build

    run = build(
        folder,
        config,
        [Path(path) for path in arguments.train],
        targets(arguments.validation),
        extras=_extras(arguments),
        overwrite=arguments.overwrite,
        engine=engine,
        say=say,
    )
    _say_built(run)


def _say_built(run: Run) -> None:
    from g2is.cli.target_check import say_checked

    say_checked(run)
    say(f"run {run.name} is complete: {run.folder}")


def import_gradients(arguments: argparse.Namespace) -> None:
    config = read_settings(ImportConfig, arguments)
    from g2is.pipeline.imported import import_run

    run = import_run(
        run_folder(arguments),
        config,
        [Path(path) for path in arguments.train],
        arguments.train_gradients,
        gradient_targets(arguments.validation_gradients),
        graph=arguments.graph,
        overwrite=arguments.overwrite,
        say=say,
    )
    _say_built(run)


def whiten(arguments: argparse.Namespace) -> None:
    damping = arguments.whitening_lambda
    GradientConfig(regimes=("sgd", "whitened"), whitening_lambda=damping)  # checked before the run is opened
    from g2is.pipeline.whiten import whiten

    run = whiten(open_run(arguments).folder, damping, say)
    say(f"run {run.name} keeps {', '.join(run.regimes)}: {run.folder}")


def demo(arguments: argparse.Namespace) -> None:
    from g2is.demo.run import build_demo

    run = build_demo(
        run_folder(arguments),
        extras=_extras(arguments),
        overwrite=arguments.overwrite,
        evaluated=not arguments.run_only,
        say=say,
    )
    _say_built(run)


def upgrade(arguments: argparse.Namespace) -> None:
    run = open_run(arguments)
    before = run.manifest.format_version
    from g2is.pipeline.changing import changing

    with changing(run.folder, say) as writer:
        now = writer.manifest.format_version
    say(f"run {run.name} is of format {now}" + (" already" if now == before else f", it was {before}"))


def gradient_targets(values: Sequence[str]) -> list[Target]:
    """[NAME=]FILE as targets, each at one checkpoint or several; one without a name is named after its data set."""
    from g2is.pipeline.checkpoints import GradientFile
    from g2is.pipeline.inputs import Target

    files = [(name, GradientFile.of(Path(path))) for name, path in map(named, values)]
    return [Target(name or file.data, file.path) for name, file in files]


def targets(values: Sequence[str]) -> list[Target]:
    """[NAME=]FILE as targets, one for all files given under its name; a file without a name is named after itself."""
    from g2is.instructions import short_name
    from g2is.pipeline.inputs import Target

    targets: dict[str, Target] = {}
    for name, path in map(named, values):
        key = name or short_name(path)
        if key in targets and not name:
            raise InputError(f"validation target {key!r} is given twice; name each one: NAME=FILE")
        earlier = targets.get(key)
        targets[key] = Target(key, Path(path)) if earlier is None else earlier.with_file(Path(path))
    return list(targets.values())
