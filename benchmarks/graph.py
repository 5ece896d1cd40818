"""The stages of a build after the gradients, and the time to refocus the Neighbourhood page.

    python -m benchmarks.graph [--quick]

Neighbours: ours (nearest, most conflicting, mean cosine, share of conflicts) compared with scikit-learn's brute force,
which finds the nearest only, on the same unit rows and cores, with its faster metric for such rows, euclidean. They
must agree: same cosines, and same samples except where cosines differ by less than rounding. Then PCA and UMAP
(compiled by a first call that is not timed), communities, the forest. Refocus: ego graph with its layout on 270,000 x
1024 in half precision, memory-mapped, and the strongest path there.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from benchmarks.report import best_seconds, report
from benchmarks.walk import WIDTH, clustered_pool
from g2is.analysis.neighbourhood import ego_of
from g2is.arrays.unit import unit
from g2is.config import walk_preset
from g2is.graph import EgoGraph, ego_layout
from g2is.graph.communities import find_communities
from g2is.graph.edges import cosines_to
from g2is.graph.layout import pca_layout, places_among, principal_axes, umap_layout
from g2is.graph.neighbors import NeighborLists, exact_neighbors
from g2is.graph.paths import find_path, spanning_forest
from g2is.knowledge import core_knowledge
from g2is.run.run import Regime
from g2is.walk import component_affinities

NEIGHBORS, CONFLICTS, VALIDATION, TIE = 50, 10, 64, 2e-6


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """The result of a function, and its seconds."""
    start = time.perf_counter()
    found = work()
    return found, time.perf_counter() - start


def megabytes() -> float:
    """Peak memory of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def pool(count: int) -> NDArray[np.float32]:
    """Unit rows around 48 themes."""
    random = np.random.default_rng(0)
    themes = unit(random.standard_normal((48, WIDTH), dtype=np.float32))
    return unit(themes[random.integers(0, 48, count)] + 1.2 * unit(random.standard_normal((count, WIDTH))))


def disagreements(ours: NeighborLists, distances: NDArray, theirs: NDArray) -> int:
    """Number of places where scikit-learn has another sample and the cosines are not equal within rounding."""
    cosines = 1 - distances.astype(np.float64) ** 2 / 2
    assert np.allclose(ours.cosines, cosines, atol=2e-5), "cosines differ"
    other = ours.neighbors != theirs
    # A swap of two neighbours in the order, or at the end of the list with the next one, is a tie.
    steps = np.abs(np.diff(ours.cosines, axis=1, append=ours.cosines[:, -1:]))
    near = np.minimum(steps, np.hstack([np.full((len(steps), 1), np.inf), steps[:, :-1]]))
    return int((other & (near > TIE)).sum())


def build_stages(count: int, rounds: int) -> dict[str, Any]:
    """One line of the first table."""
    rows, valid = pool(count), np.ones(count, bool)
    targets = rows[:: max(1, count // VALIDATION)][:VALIDATION] + 0.5 * unit(
        np.random.default_rng(1).standard_normal((VALIDATION, WIDTH))
    )
    search = NearestNeighbors(n_neighbors=NEIGHBORS, algorithm="brute", metric="euclidean").fit(rows)
    found: dict[str, Any] = {}
    seconds = best_seconds(
        {
            "ours": lambda: found.update(
                lists=exact_neighbors(rows, valid, neighbors=NEIGHBORS, conflicts=CONFLICTS)
            ),
            "scikit-learn": lambda: found.update(theirs=search.kneighbors()),
        },
        rounds,
    )
    lists: NeighborLists = found["lists"]
    near = cosines_to(rows, valid, targets)
    start, pca = timed(lambda: pca_layout(rows, principal_axes(rows, valid), valid))
    places, umap = timed(lambda: umap_layout(lists.neighbors, lists.cosines, valid, start))
    assert np.isfinite(places_among(places, near, valid)).all()
    assert np.isfinite(places).all()
    membership, leiden = timed(lambda: find_communities(lists.neighbors, lists.cosines, valid))
    _, forest = timed(lambda: spanning_forest(lists.neighbors, lists.cosines, valid))
    print(".", end="", flush=True)
    return {
        "samples": count,
        "neighbours_s": seconds["ours"],
        "scikit_learn_s": seconds["scikit-learn"],
        "scikit_learn / ours": seconds["scikit-learn"] / seconds["ours"],
        "disagreements": disagreements(lists, *found["theirs"]),
        "pca_s": pca,
        "umap_s": umap,
        "communities_s": leiden,
        "communities": int(membership.max()) + 1,
        "forest_s": forest,
        "resident_MB": megabytes(),
    }


def refocus(count: int, focuses: int) -> list[dict[str, Any]]:
    """The second table: what a page computes on a large open run."""
    with tempfile.TemporaryDirectory() as folder:
        gradients, neighbors, validation = clustered_pool(Path(folder), count, 60, 1.0)
        valid = np.ones(count, bool)
        rows = np.arange(count)
        cosines = np.zeros(neighbors.shape, np.float32)
        for start in range(0, count, 60):
            block = unit(gradients[start : start + 60])
            here = neighbors[start : start + 60] - start
            cosines[start : start + 60] = np.take_along_axis(block @ block.T, here, axis=1)
        # Clusters by themselves would be islands: the last neighbour of each sample is one in the next cluster.
        neighbors[:, -1] = (rows + 60) % count
        cosines[:, -1] = np.einsum("nd,nd->n", unit(gradients), unit(gradients[neighbors[:, -1]]))
        random = np.random.default_rng(0)
        conflicts = random.integers(0, count, (count, CONFLICTS)).astype(np.int32)
        near = cosines_to(gradients, valid, validation)
        parameters = walk_preset("recommended", count=1)
        knowledge = core_knowledge(validation, parameters)
        affinities = component_affinities(gradients, knowledge)
        regime = Regime(
            "sgd", gradients, np.ones(count), neighbors, cosines, conflicts,
            np.full(conflicts.shape, -0.1, np.float32), near, 0.0, 0.0,
        )  # fmt: skip
        run: Any = SimpleNamespace(
            regime=lambda name: regime, valid=valid, core_knowledge=lambda parameters: knowledge
        )
        forest, forest_s = timed(lambda: spanning_forest(neighbors, cosines, valid))
        lines = []
        chosen = random.integers(0, count, focuses).tolist()
        for hops, most in ((1, 60), (2, 60), (2, 150)):

            def around(focus: int, hops: int = hops, most: int = most) -> EgoGraph:
                return ego_of(run, "sgd", focus, hops=hops, most=most, knowledge=parameters)

            times = []
            for focus in chosen:
                ego, graph_s = timed(partial(around, focus))
                times.append((graph_s, timed(partial(ego_layout, ego))[1], ego.total))
            graph_ms, layout_ms, total = 1000 * np.median(times, axis=0)
            lines.append(
                {
                    "samples": count,
                    "what": f"{hops} hop, {most} nodes",
                    "of": total / 1000,
                    "graph_ms": graph_ms,
                    "layout_ms": layout_ms,
                }
            )
        find = partial(find_path, neighbors, cosines, valid, forest, affinities)
        times = [timed(partial(find, focus))[1] for focus in chosen[:5]]
        lines.append({"samples": count, "what": "strongest path", "graph_ms": 1000 * float(np.median(times))})
        lines.append({"samples": count, "what": "forest (in build)", "graph_ms": 1000 * forest_s})
        _, pca_s = timed(lambda: pca_layout(gradients, principal_axes(gradients, valid), valid))
        lines.append({"samples": count, "what": "PCA (in build)", "graph_ms": 1000 * pca_s})
    return lines


def main(quick: bool) -> None:
    build_stages(500, 1)  # compiles and loads
    sizes = (2_000,) if quick else (2_000, 12_000, 50_000)
    report("graph", [build_stages(count, 1 if count > 20_000 else 3) for count in sizes], quick=quick)
    report("refocus", refocus(27_000 if quick else 270_000, 5 if quick else 20), quick=quick)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--quick", action="store_true", help="the smallest size, and a tenth of the large one"
    )
    main(parser.parse_args().quick)
