"""Writing the validation targets of a run: first what is taken with the model, then all that follows from it.

A target's folder holds its examples and their plain gradients. Cosines to the pool, places on the map and leaks are
computed from these and from the pool without the model, the same for a target of the build and for one that is added.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from g2is.config import RegimeName
from g2is.errors import InputError
from g2is.graph.edges import cosines_to
from g2is.graph.layout import pca_places, places_among
from g2is.instructions.copies import find_leaks
from g2is.run.manifest import Manifest
from g2is.run.parts import TARGET, FileRecord, Part, TargetFacts, record
from g2is.run.paths import (
    EXAMPLE_GRADIENTS,
    EXAMPLES,
    LEAKS,
    TARGETS,
    LayoutKind,
    Pooling,
    array_file,
    target_array,
    target_file,
    target_representations,
)
from g2is.run.regimes import open_gradients, open_places
from g2is.run.run import Run
from g2is.run.texts import spoken
from g2is.storage.files import write_array
from g2is.storage.tables import write_frame

LONGEST_NAME = 100
_PLAIN = re.compile(r"[^a-z0-9._-]+")


@dataclass(frozen=True, eq=False)
class TakenTarget:
    """A target with all that only the model can tell.

    examples: one row each, with the columns of the pool's table. gradients: (m, d) plain, not normalised.
    representations: (m, h) by pooling; empty where the run keeps none.
    """

    name: str
    examples: pd.DataFrame
    gradients: np.ndarray
    facts: TargetFacts
    seconds: float = 0.0
    representations: Mapping[Pooling, np.ndarray] = field(default_factory=dict)


def check_name(name: str) -> None:
    """Raise `InputError` for a name that a target cannot have."""
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise InputError(
            f"target {name[:LONGEST_NAME]!r}: expected a name of 1 to {LONGEST_NAME} printable characters"
        )


def new_place(manifest: Manifest, name: str) -> str:
    """A folder for a target of this name that no other part has, on file systems that ignore case too."""
    plain = _PLAIN.sub("-", name.casefold()).strip("-._")[:40] or "target"
    taken = {folder.casefold() for folder in (*manifest.parts, *manifest.removed)}
    number, folder = 1, f"{TARGETS}/{plain}"
    while folder in taken:
        number += 1
        folder = f"{TARGETS}/{plain}-{number}"
    return folder


def write_taken(folder: Path, place: str, taken: TakenTarget) -> Part:
    """Write a target's examples, gradients and representations; returns its part, without what follows from them."""
    examples, gradients = target_file(place, EXAMPLES), target_file(place, EXAMPLE_GRADIENTS)
    write_frame(folder / examples, taken.examples)
    write_array(folder / gradients, np.ascontiguousarray(taken.gradients, np.float32))
    for pooling, rows in taken.representations.items():
        write_array(folder / target_representations(place, pooling), rows)
    return Part(
        kind=TARGET,
        name=taken.name,
        added=datetime.now(UTC).isoformat(timespec="milliseconds"),
        seconds=round(taken.seconds, 2),
        files=records(
            folder,
            [
                examples,
                gradients,
                *(target_representations(place, pooling) for pooling in taken.representations),
            ],
        ),
        found=taken.facts.model_dump(mode="json"),
    )


def view_files(run: Run, place: str) -> list[str]:
    """The files of a target that follow from its gradients."""
    arrays: tuple[Literal["cosines"] | LayoutKind, ...] = ("cosines", *run.layouts)
    return [
        target_file(place, LEAKS),
        *(target_array(place, r, array) for r in run.regimes for array in arrays),
    ]


def with_views(run: Run, place: str, part: Part, on_regime: Callable[[], object] = lambda: None) -> Part:
    """Write what follows from a target's gradients: cosines, places on the map, leaks; returns the whole part.

    run: of which the stages up to the layout are finished. on_regime: called after each regime, in which the pool's
    gradients are read once.
    """
    start, run = time.monotonic(), run.whole
    folder, facts = run.folder, TargetFacts(**part.found)
    gradients = np.load(folder / target_file(place, EXAMPLE_GRADIENTS))
    plain = None
    for regime in run.regimes:
        cosines = write_views_in(run, place, regime, gradients)
        plain = cosines if regime == "sgd" else plain
        on_regime()
    examples = pd.read_parquet(folder / target_file(place, EXAMPLES), columns=["prompt", "response"])
    given = facts.given  # what is alike to an example that is an instruction itself leaks nothing
    of_given = None if plain is None else plain[:, :given]
    leaks = find_leaks(run.conversations(), spoken(examples.iloc[:given]), of_given)
    others = leaks[~leaks["sample"].isin(facts.rows)].reset_index(drop=True)
    write_frame(folder / target_file(place, LEAKS), others)
    files = part.files | records(folder, view_files(run, place))
    return part.model_copy(
        update={"files": files, "seconds": round(part.seconds + time.monotonic() - start, 2)}
    )


def write_views_in(run: Run, place: str, regime: RegimeName, gradients: np.ndarray) -> np.ndarray:
    """Write what follows from a target's plain gradients (m, d) in one regime: places on the map, and cosines (n, m),
    which are returned."""
    run = run.whole
    compared = run.compared(regime, gradients)
    cosines = cosines_to(open_gradients(run.files, regime), run.valid, compared)
    write_array(run.folder / target_array(place, regime, "cosines"), cosines)
    for kind, places in places_of(run, regime, compared, cosines).items():
        write_array(run.folder / target_array(place, regime, kind), places)
    return cosines


def places_of(
    run: Run, regime: RegimeName, compared: np.ndarray, cosines: np.ndarray
) -> dict[LayoutKind, np.ndarray]:
    """The places (m, 2) of examples on each map. compared: (m, d) gradients as the regime has them. cosines: (n, m)."""
    places: dict[LayoutKind, np.ndarray] = {}
    for kind in run.layouts:
        if kind == "pca":
            axes = run.files.array(array_file(regime, "pca_axes"), "f", (3, None))
            places[kind] = pca_places(compared, axes)
        else:
            closest = run.manifest.configuration.layout.umap_neighbors
            among = open_places(run.files, kind, regime)
            places[kind] = places_among(among, cosines, run.valid, closest=closest)
    return places


def records(folder: Path, names: Iterable[str]) -> dict[str, FileRecord]:
    """The checksum and size of files of a run, by name."""
    return {name: record(folder / name) for name in names}
