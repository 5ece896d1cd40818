"""The command that adds instructions to a finished run: extend."""

from __future__ import annotations

import argparse

from g2is.cli.build import add_train
from g2is.cli.runs import counted, open_run, say
from g2is.config import ReadingConfig
from g2is.config.grammar import AddCommand, add_settings, given


def register(command: AddCommand) -> None:
    """Add the command to the parser."""
    parser = command(
        "extend", extend, "add instructions to a finished run: only theirs are the gradients that are taken"
    )
    parser.add_argument("run", help="name or folder of the run")
    add_train(parser, "the new instructions")
    parser.add_argument("--model", help="where the model is now (where it was at the build)")
    parser.add_argument("--device", help="auto, cpu, cuda, cuda:1, mps (as at the build)")
    parser.add_argument(
        "--renew",
        action="store_true",
        help="make layout and communities again, instead of placing the new instructions among those nearest to them",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="drop an unfinished extension by other files"
    )
    add_settings(parser, ReadingConfig)


def extend(arguments: argparse.Namespace) -> None:
    reading = given(ReadingConfig, arguments)
    ReadingConfig(**reading)  # checked before the run is opened
    run = open_run(arguments)
    from g2is.pipeline.extend import extend

    run = extend(
        run.folder,
        arguments.train,
        model=arguments.model,
        device=arguments.device,
        reading=reading,
        renew=arguments.renew,
        overwrite=arguments.overwrite,
        say=say,
    )
    say(f"run {run.name} has {counted(run.size)}: {run.folder}")
