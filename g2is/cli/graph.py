"""The command that writes the gradient graph for other programs: graph."""

from __future__ import annotations

import argparse
from pathlib import Path

from g2is.cli.runs import add_overwrite, open_run, output_file, say
from g2is.config import DEFAULT_PRESET, REGIMES, WALK_PRESETS, walk_preset
from g2is.config.grammar import AddCommand
from g2is.errors import InputError


def register(command: AddCommand) -> None:
    """Add the command to the parser."""
    parser = command("graph", graph, "write the gradient graph as GraphML, for Gephi, Cytoscape and others")
    parser.add_argument("run", help="name or folder of the run")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="file to write, *.graphml")
    add_overwrite(parser)
    parser.add_argument(
        "--regime", choices=REGIMES, help="whose edges [sgd, or the first that the run keeps]"
    )
    parser.add_argument(
        "--preset",
        default=DEFAULT_PRESET,
        choices=WALK_PRESETS,
        help=f"whose core knowledge [{DEFAULT_PRESET}]",
    )
    for name, text in (("neighbors", "nearest"), ("conflicts", "most conflicting")):
        parser.add_argument(
            f"--{name}", type=int, metavar="N", help=f"{text} instructions of each [all kept]"
        )


def graph(arguments: argparse.Namespace) -> None:
    for name in ("neighbors", "conflicts"):
        value = getattr(arguments, name)
        if value is not None and value < 1:
            raise InputError(f"{name} = {value}: expected 1 or more")
    run = open_run(arguments)
    output = output_file(arguments.output, run, overwrite=arguments.overwrite)
    from g2is.analysis.mixed import mixed_graph, write_graphml

    mixed = mixed_graph(
        run,
        regime=arguments.regime,
        knowledge=walk_preset(arguments.preset, count=1),
        neighbors=arguments.neighbors,
        conflicts=arguments.conflicts,
    )
    write_graphml(mixed, output, new=not arguments.overwrite)
    say(f"{mixed.vcount():,} vertices and {mixed.ecount():,} edges written to {output}")
