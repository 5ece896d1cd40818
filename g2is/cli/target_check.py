"""Checking targets, and growing one by instructions of the pool: what `target check` and `target grow` do."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from g2is.cli.rows import read_rows
from g2is.cli.runs import counted, output_file, say
from g2is.config.commands import command
from g2is.errors import InputError, printable

if TYPE_CHECKING:
    from g2is.analysis.target_check import TargetCheck
    from g2is.run.run import Run

EACH = 3
"""Proposals listed for an example, at most."""
LISTED = 20
"""Examples that proposals are listed for, at most."""


def say_checked(run: Run) -> None:
    """A sentence for each target of the build, at its end."""
    from g2is.analysis.targets import check_of

    for name in run.usual_targets:
        say(f"target {printable(name)}: {check_of(run, name).sentence} (g2is target check)")


def check(run: Run, names: Sequence[str]) -> None:
    """Print what the gradients say of targets; of all where none is named."""
    from g2is.analysis.targets import check_of, examples_of

    for place, name in enumerate(names or [target.name for target in run.targets]):
        found = check_of(run, name)
        print("\n" * (place > 0) + f"{printable(name)}: {found.sentence}")
        for line in _lines(found, examples_of(run, name)):
            print(f"  {line}")


def _lines(found: TargetCheck, examples: np.ndarray) -> list[str]:
    """examples: (m,) the number that each example of the target has among those of all targets."""
    from g2is.analysis.target_check import whole_percent

    kinds, lines = found.kinds, []
    sizes = ", ".join(str(size) for size in kinds.sizes[:LISTED]) + (", …" if len(kinds) > LISTED else "")
    lines.append(f"examples: {len(found.best):,}, of {len(kinds):,} kinds with {sizes}")
    for what, rows in (
        ("the only one of its kind", kinds.single),
        ("alone (no other with cosine .25 or more)", kinds.alone),
        ("not served by the pool", found.lacking),
    ):
        if len(rows):
            listed = ", ".join(map(str, examples[rows[:LISTED]].tolist())) + (
                ", …" if len(rows) > LISTED else ""
            )
            lines.append(f"{what}: {len(rows):,} (examples {listed})")
    if curve := found.curve:
        lines.append(f"selections of {found.budget:,} for some of the examples, {curve.held_back} held back:")
        for size, shared, coverage in zip(curve.sizes, curve.shared, curve.coverage, strict=True):
            lines.append(
                f"  {size:>5,} examples: {shared:4.0%} as for all; the held-back ones get {coverage:4.0%} of the best "
                "cosine that the pool has"
            )
    if step := found.forecast:
        lines.append(
            f"the last {len(found.best) - step.known} examples changed {whole_percent(step.change)} of the selection, "
            f"which is foretold of the next {step.more}; the same rule said {whole_percent(step.foretold)} of the last "
            f"ones (off by {100 * step.error:.1f} points a draw)"
        )
    return lines


def grow(run: Run, name: str, arguments: argparse.Namespace) -> None:
    """Make a target with further examples, or list which instructions could be some."""
    from g2is.export.examples import write_examples
    from g2is.pipeline.grown import grow, grown_name

    accept, rule = arguments.accept or [], arguments.rule
    if accept and rule is not None:
        raise InputError("grow: --accept and --rule are given, expected one of them")
    if not accept and rule is None:
        if given := [option for option in ("into", "output", "overwrite") if getattr(arguments, option)]:
            raise InputError(f"{given[0]}: is for grow with --accept or --rule")
        _list_proposals(run, name)
        return
    output = output_file(arguments.output, run, overwrite=arguments.overwrite) if arguments.output else None
    given_rows = [read_rows(text, len(run.valid)) for text in accept]
    rows = _by_rule(run, name, rule) if rule is not None else np.concatenate(given_rows)
    into = arguments.into or grown_name(run, name)
    note = "accepted by hand" if accept else "accepted by rule"
    run = grow(run, name, rows, into=into, note=note, say=say)
    say(f"target {into}: {next(target.note for target in run.targets if target.name == into)}")
    if output is not None:
        size = write_examples(output, run, into)
        say(f"{output}: {counted(size, 'example')}")


def _by_rule(run: Run, name: str, count: int) -> np.ndarray:
    from g2is.analysis.target_gaps import grown_by_rule
    from g2is.analysis.targets import check_of, pool_of

    if count < 1:
        raise InputError(f"rule = {count}: expected 1 or more instructions to accept")
    rows = grown_by_rule(pool_of(run, name), check_of(run, name).kinds.membership, count)
    if len(rows) < count:
        say(f"rule: {len(rows):,} of {counted(count)} fit, so there are no more")
    return rows


def _list_proposals(run: Run, name: str) -> None:
    """Print instructions beside each example that is the only one of its kind."""
    from g2is.analysis.target_gaps import proposals
    from g2is.analysis.targets import check_of, examples_of, pool_of
    from g2is.instructions.snippet import snippet

    found, pool, rows = check_of(run, name), pool_of(run, name), examples_of(run, name)
    examples = run.validation["prompt"].to_numpy()[rows]
    print(f"{printable(name)}: {found.sentence}")
    some = []
    for example in found.kinds.single[:LISTED].tolist():
        near = proposals(pool, example, EACH)
        some += near[:1].tolist()
        print(f"\nexample {rows[example]}: {printable(snippet(examples[example]))}")
        for row, prompt in zip(near.tolist(), run.prompts(near), strict=True):
            print(f"  {row:>7}  {pool.cosines[row, example]:.2f}  {printable(snippet(prompt))}")
        if not len(near):
            print("  no instruction of the pool is alike to it")
    if some:
        words = ("target", "grow", run.name, name, "--accept", *map(str, some[:3]))
        say(f"accept some: {command(*words, cache=run.folder.parent)}")
