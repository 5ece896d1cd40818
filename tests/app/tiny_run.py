"""A complete run made by hand: no model, no training, hostile text."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from g2is.analysis import walks
from g2is.config import BuildConfig, ModelConfig, walk_preset
from g2is.graph.communities import find_communities, label_communities
from g2is.graph.layout import pca_layout, principal_axes
from g2is.graph.neighbors import exact_neighbors
from g2is.graph.paths import spanning_forest
from g2is.instructions import Instruction, Message, to_frame
from g2is.pipeline.targets import TakenTarget, new_place, with_views, write_taken
from g2is.run.parts import TargetFacts
from g2is.run.paths import COLUMNS, INSTRUCTIONS, LABELS
from g2is.run.run import FORMAT_VERSION, FileRecord, InputFile, Manifest, Run, Stage
from g2is.run.selections import save_walk
from g2is.storage.tables import write_frame

POOL, VALIDATION, DIM = 250, 12, 16
INVALID, CUT, DUPLICATE = 7, 8, 9
HOSTILE = (
    "**bold** $x^2$ <b>tag</b> <script>alert(1)</script> :material/home: :red[red] `tick`",
    "![image](http://evil.example/image.png) [link](http://evil.example/) <img src=http://evil.example/a.png>",
    "RTL \u202eoverride\u202c \u0645\u0631\u062d\u0628\u0627 emoji \U0001f469\u200d\U0001f680 bell \x07 null \x00 end",
    "| table | cell |\n|---|---|\n# heading\n---\n> quote\n```\nfence ![i](http://evil.example/b.png)\n```",
)


def record(row: int, count: int = POOL) -> Instruction:
    """Hostile texts first; then one duplicate and plain questions, from two files."""
    prompt = HOSTILE[row] if row < len(HOSTILE) else f"Question {row}: how many apples are {row} and {row}?"
    if row == DUPLICATE:
        prompt = record(DUPLICATE - 1).prompt
    response = (
        f"They are {2 * (row - (row == DUPLICATE))} apples." if row >= len(HOSTILE) else HOSTILE[row][::-1]
    )
    raw = json.dumps({"question": prompt, "answer": response}, ensure_ascii=False).encode()
    source = "first.jsonl" if row < count // 2 else "![x](http://evil.example/c.png).jsonl"
    return Instruction(
        (Message("user", prompt), Message("assistant", response)),
        source,
        row % (count // 2) + 1,
        "question_answer",
        raw,
        "adding" if row % 2 else "*counting*",
    )


def make_run(
    folder: Path,
    count: int = POOL,
    *,
    seed: int = 0,
    targets: tuple[str, ...] = ("apples",),
    columns: pd.DataFrame | None = None,
) -> Run:
    """A finished run in one regime, with the walks `first-walk` and `second-walk` saved.

    columns: those of the records, a row each.
    """
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    pool = to_frame([record(row, count) for row in range(count)])
    pool["duplicate_of"] = np.where(np.arange(count) == DUPLICATE, DUPLICATE - 1, -1)
    validation = to_frame([record(row) for row in range(20, 20 + VALIDATION)])
    target_of = np.sort(np.arange(VALIDATION) % len(targets))
    valid = np.arange(count) != INVALID
    samples = pd.DataFrame(
        {
            "problem": pd.Series([None if ok else "the response is *empty*" for ok in valid], dtype="object"),
            "valid": valid,
            "loss": np.where(valid, random.uniform(1, 5, count), np.nan).astype(np.float32),
            "tokens": (20 + np.arange(count) % 50).astype(np.int32),
            "trained_tokens": np.full(count, 9, np.int32),
            "cut": (np.arange(count) == CUT).astype(np.int8) * 2,
        }
    )
    rows = random.standard_normal((count, DIM)).astype(np.float32) + 0.3
    norms = np.linalg.norm(rows, axis=1)
    rows = (rows / norms[:, None] * valid[:, None]).astype(np.float16)
    gradients = (random.standard_normal((VALIDATION, DIM)) + 0.3).astype(np.float32)
    lists = exact_neighbors(rows, valid, neighbors=10, conflicts=3, device="cpu")
    arrays = {
        "gradients": rows,
        "norms": norms,
        "neighbors": lists.neighbors,
        "cosines": lists.cosines,
        "conflicts": lists.conflicts,
        "conflict_cosines": lists.conflict_cosines,
    }
    write_frame(folder / INSTRUCTIONS, pool)
    if columns is not None:
        write_frame(folder / COLUMNS, columns)
    samples.to_parquet(folder / "samples.parquet", index=False)
    (folder / "warmup.safetensors").write_bytes(b"none")
    (folder / "sgd").mkdir()
    axes = principal_axes(rows, valid)
    places = pca_layout(rows, axes, valid)
    edges, strengths = spanning_forest(lists.neighbors, lists.cosines, valid)
    membership = find_communities(lists.neighbors, lists.cosines, valid)
    texts = pool["prompt"] + "\n" + pool["response"]
    views = {
        "pca": places,
        "pca_axes": axes,
        "umap": np.sign(places)
        * np.sqrt(np.abs(places)),  # what takes UMAP's place: compiling it takes seconds
        "communities": membership,
        "forest": edges,
        "forest_cosines": strengths,
    }
    labels = label_communities(membership, lambda rows: texts.iloc[rows])
    (folder / "sgd" / LABELS).write_text(json.dumps(labels))
    for name, array in {**arrays, **views}.items():
        np.save(folder / "sgd" / f"{name}.npy", array)

    def stage(seconds: float, files: list[str], **found: Any) -> Stage:
        return Stage(seconds=seconds, files={file: _file(folder / file) for file in files}, found=found)

    config = BuildConfig(model=ModelConfig(model="models/tiny")).resolve(hidden_size=16, positions=256)
    config = config.replace(gradients=config.gradients.replace(regimes=("sgd",)))
    nothing = FileRecord(sha256="0" * 64, bytes=0).model_dump()
    manifest = Manifest(
        format_version=FORMAT_VERSION,
        created="2030-01-02T03:04:05+00:00",
        configuration=config,
        train=[InputFile(name=name, **nothing) for name in pool["source"].unique()],
        validation=[InputFile(name=f"{name}.jsonl", target=name, **nothing) for name in targets],
        model={"fingerprint": "none", "device": "cpu", "dtype": "float32", "hidden_size": 16},
        versions={"python": "3.11"},
        stages={
            "instructions": stage(
                0.5,
                [INSTRUCTIONS, *([COLUMNS] if columns is not None else [])],
                pool=count,
                duplicates=1,
                rejected=0,
            ),
            "warmup": stage(3.0, ["warmup.safetensors"], samples=10, steps=4, trained_parameters=99),
            "gradients": stage(
                75.0,
                ["samples.parquet", "sgd/gradients.npy", "sgd/norms.npy"],
                valid=int(valid.sum()),
                invalid=1,
                prompt_cut=0,
                response_cut=1,
                projection_dim=DIM,
            ),
            "graph": stage(
                0.25,
                [f"sgd/{name}.npy" for name in arrays if name not in ("gradients", "norms")],
                sgd={"mean_cosine": lists.mean_cosine, "conflict_share": lists.conflict_share},
            ),
            "layout": stage(2.0, ["sgd/pca.npy", "sgd/umap.npy", "sgd/pca_axes.npy"], kinds=["pca", "umap"]),
            "communities": stage(
                0.5,
                [f"sgd/{name}" for name in ("communities.npy", "forest.npy", "forest_cosines.npy", LABELS)],
                sgd=len(labels),
            ),
        },
    )
    (folder / "manifest.json").write_text(manifest.model_dump_json())
    run = Run.open(folder)
    for number, name in enumerate(targets):
        own = np.flatnonzero(target_of == number)
        facts = TargetFacts(examples=len(own), origin="build")
        taken = TakenTarget(name, validation.iloc[own].reset_index(drop=True), gradients[own], facts)
        place = new_place(manifest, name)
        manifest.parts[place] = with_views(run, place, write_taken(folder, place, taken))
    manifest.stages["targets"] = stage(0.25, [], leaks={})
    (folder / "manifest.json").write_text(manifest.model_dump_json())
    run = Run.open(folder)
    for name, taken in (("first-walk", 12), ("second-walk", 5)):
        trace = walks.walk(run, walk_preset("recommended", facets=4, count=taken))
        save_walk(folder / "selections" / f"{name}.json", run, trace)
    return run


def _file(path: Path) -> FileRecord:
    data = path.read_bytes()
    return FileRecord(sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))
