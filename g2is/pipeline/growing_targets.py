"""The targets of a run whose pool was extended: what is told of the new instructions beside what is there."""

from __future__ import annotations

import numpy as np
import pandas as pd

from g2is.graph.edges import cosines_to
from g2is.instructions.copies import closest_leaks, find_leaks
from g2is.pipeline.targets import places_of
from g2is.pipeline.writer import RunWriter
from g2is.run.parts import TargetFacts
from g2is.run.paths import (
    EXAMPLE_GRADIENTS,
    EXAMPLES,
    LEAKS,
    WHITENED,
    array_file,
    target_array,
    target_file,
)
from g2is.run.run import Run
from g2is.run.targets import LEAK_COLUMNS
from g2is.run.texts import conversations, spoken
from g2is.storage.files import write_array


def grow_target(run: Run, grown: RunWriter, place: str, renew: bool, extended: Run) -> list[str]:
    """Write the cosines of a target to all instructions, and its leaks; returns the files.

    run: as it was. grown: where the extended pool is written. renew: its places on the maps too, which were made again.
    extended: the run with the extended pool.
    """
    part = run.manifest.targets[place]
    examples: int = part.found["examples"]
    dim = run.files.number("gradients", "projection_dim")
    gradients = run.files.array(target_file(place, EXAMPLE_GRADIENTS), "f", (examples, dim))
    first, valid = run.files.pool, extended.valid
    plain, names = None, []
    for regime in run.regimes:
        rows = grown.read_array(array_file(regime, "gradients"))
        compared = extended.compared(regime, gradients)
        if regime == WHITENED:  # its rows are others now
            cosines = cosines_to(rows, valid, compared)
        else:
            came = cosines_to(rows[first:], valid[first:], compared)
            plain = came if regime == "sgd" else plain
            before = run.files.array(target_array(place, regime, "cosines"), "f", (first, examples))
            cosines = np.concatenate([before, came])
        arrays = {target_array(place, regime, "cosines"): cosines}
        if renew:
            places = places_of(extended, regime, compared, cosines)
            arrays |= {target_array(place, regime, kind): array for kind, array in places.items()}
        for name, array in arrays.items():
            write_array(grown.folder / name, array)
            names.append(name)
    given = TargetFacts(**part.found).given
    texts = spoken(
        run.files.frame(target_file(place, EXAMPLES), examples, ("prompt", "response")).iloc[:given]
    )
    of_given = None if plain is None else plain[:, :given]
    found = find_leaks(conversations(extended.texts, first), texts, of_given)
    leaks: list[pd.DataFrame] = [run.files.frame(target_file(place, LEAKS), None, LEAK_COLUMNS)]
    if len(found):
        leaks.append(found.assign(sample=found["sample"] + first))
    grown.write_frame(target_file(place, LEAKS), closest_leaks(leaks))
    return [*names, target_file(place, LEAKS)]
