"""A target in one small file, from a machine with the model to one without.

A safetensors file: nothing in it is executed when it is read. Tensors: `gradients` (m, d) float32; `examples`, JSON
text as bytes; `representations.POOLING` (m, h), where the run keeps any. Metadata: `g2is`, JSON text on what it is and
which run it fits (`About`), and `sha256`, the checksum of all. It may come from anybody: everything is checked.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load, save

from g2is.config import BuildConfig
from g2is.errors import InputError, shortened
from g2is.pipeline.sent_examples import as_json, from_json
from g2is.pipeline.targets import TakenTarget
from g2is.run.parts import TargetFacts
from g2is.run.paths import POOLINGS, Pooling
from g2is.run.reference import RunReference
from g2is.run.run import Run
from g2is.storage.files import read_small, write_bytes

SUFFIX = ".g2is"
MOST = 2**30
"""Bytes of a file, at most; 500 examples of 8,192 numbers take 17 million and their texts."""
VERSION = 1

EXAMPLES, GRADIENTS = "examples", "gradients"
_ALL, _SUM = "g2is", "sha256"


class About(BaseModel):
    """What a file says of itself.

    fits: what its gradients depend on, which must be the same in a run that takes it (`fits_of`). run: the run it was
    computed from, for people. made: when. seconds: that it took, without loading the model.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    kind: Literal["g2is target"] = "g2is target"
    version: int = VERSION
    name: str
    run: RunReference
    fits: dict[str, str]
    made: str
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    facts: TargetFacts


def fits_of(run: Run) -> dict[str, str]:
    """All that the gradients of an example depend on besides the example, in words.

    The fingerprint of the model is that of its weights, tokenizer and chat template. Raises `InputError` for a run
    whose gradients are imported, or are not finished.
    """
    manifest, config = run.manifest, run.manifest.configuration
    if not isinstance(config, BuildConfig):
        raise InputError(
            f"run {run.name}: its gradients are imported, so that no target was computed for it elsewhere"
        )
    if "gradients" not in manifest.stages:
        raise InputError(f"run {run.name}: its gradients are not finished; {run.remedy}")
    warmup, gradients = manifest.stages["warmup"], config.gradients
    states = json.dumps({name: of.sha256 for name, of in sorted(warmup.files.items())})
    rates = warmup.found.get("checkpoints", {str(warmup.found.get("steps")): 1.0})
    dim = run.files.number("gradients", "projection_dim") // len(rates)
    return {
        "model, tokenizer and template": str(manifest.model["fingerprint"]),
        "longest example": f"{config.model.max_length} tokens",
        "parameters": gradients.parameters,
        "checkpoints": ", ".join(f"{step} ({rate:.6g})" for step, rate in rates.items()),
        "adapter": hashlib.sha256(states.encode()).hexdigest(),
        "projection": f"{gradients.projection} to {dim} numbers, seed {gradients.projection_seed}",
    }


def write_sent(path: Path, run: Run, taken: TakenTarget, *, new: bool = False) -> int:
    """Write a target, taken with the model of a run, as a file; returns its bytes. new: as in `write_file`. Raises
    `InputError` where it is larger than the largest that is read."""
    about = About(
        name=taken.name,
        run=run.reference,
        fits=fits_of(run),
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=round(taken.seconds, 2),
        facts=taken.facts,
    )
    tensors: dict[str, np.ndarray] = {
        GRADIENTS: np.ascontiguousarray(taken.gradients, np.float32),
        EXAMPLES: np.frombuffer(as_json(taken.examples), np.uint8),
        **{_tensor(pooling): np.ascontiguousarray(rows) for pooling, rows in taken.representations.items()},
    }
    text = about.model_dump_json()
    data = save(tensors, {_ALL: text, _SUM: _checksum(text, tensors)})
    if len(data) > MOST:
        raise InputError(f"{path}: {len(data):,} bytes, expected at most {MOST:,}; give fewer examples")
    write_bytes(path, data, new=new)
    return len(data)


def read_sent(path: Path, run: Run) -> TakenTarget:
    """Read a target from a file that `write_sent` wrote, for a run that it fits.

    Raises `InputError` for anything else: a file that is too large, damaged, of a newer version, or computed with
    another model, adapter, template, projection or other checkpoints.
    """
    about, tensors = _read(path)
    _check_fits(path, about, run)
    examples = from_json(tensors[EXAMPLES].tobytes(), path)
    dim = run.files.number("gradients", "projection_dim")
    gradients, shape = tensors[GRADIENTS], (len(examples), dim)
    if gradients.dtype != np.float32 or gradients.shape != shape or not np.isfinite(gradients).all():
        raise InputError(
            f"{path}: gradients of shape {gradients.shape}, {gradients.dtype}, expected finite float32 numbers of "
            f"shape {shape}"
        )
    facts = about.facts.model_copy(update={"origin": "elsewhere", "rows": []})
    if facts.examples != len(examples) or len(examples) < 2:
        raise InputError(f"{path}: {len(examples)} examples, says {facts.examples}, expected 2 or more")
    return TakenTarget(
        about.name,
        examples,
        gradients,
        facts,
        about.seconds,
        _representations(path, tensors, run, len(examples)),
    )


def _read(path: Path) -> tuple[About, dict[str, np.ndarray]]:
    """What a file says of itself, and its tensors, once its checksum is right."""
    expected = f"expected a target that `target compute … --output target{SUFFIX}` wrote"
    try:
        data = read_small(path, MOST)
    except OSError as error:
        raise InputError(f"{path}: not readable ({error.strerror}); {expected}") from None
    try:
        tensors = load(data)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        metadata = header.get("__metadata__") or {}
        text, checksum = str(metadata[_ALL]), metadata[_SUM]
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{path}: not a target ({_reason(error)}); {expected}") from None
    if checksum != _checksum(text, tensors):
        raise InputError(f"{path}: is damaged, its checksum differs; copy it again")
    try:
        values: Any = json.loads(text)
        version = values.get("version") if isinstance(values, dict) else None
        if isinstance(version, int) and version > VERSION:
            raise InputError(f"{path}: version {version} is newer than {VERSION}; update G2IS Explorer")
        about = About.model_validate_json(text)
    except (ValidationError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: not a target ({_reason(error)}); {expected}") from None
    known = {EXAMPLES, GRADIENTS, *map(_tensor, POOLINGS)}
    if not {EXAMPLES, GRADIENTS} <= tensors.keys() <= known or tensors[EXAMPLES].dtype != np.uint8:
        raise InputError(
            f"{path}: not a target (its tensors are {shortened(', '.join(tensors))}); {expected}"
        )
    return about, tensors


def _check_fits(path: Path, about: About, run: Run) -> None:
    expected = fits_of(run)
    differing = [
        f"{name}: {_shown(about.fits.get(name, 'none'))}, here {_shown(here)}"
        for name, here in expected.items()
        if about.fits.get(name) != here
    ]
    if differing:
        raise InputError(
            f"{path}: was computed for another run, {shortened(about.run.name)} ({'; '.join(differing)}); compute it "
            f"from a copy of {run.name}"
        )


def _representations(
    path: Path, tensors: Mapping[str, np.ndarray], run: Run, count: int
) -> dict[Pooling, np.ndarray]:
    """Those of the examples, where the run keeps some."""
    if "representations" not in run.manifest.stages:
        return {}
    width = run.files.number("representations", "dimensions")
    found: dict[Pooling, np.ndarray] = {}
    for pooling in POOLINGS:
        rows = tensors.get(_tensor(pooling))
        if rows is None:
            raise InputError(
                f"{path}: has no representations, which run {run.name} keeps; compute it from a copy of the run as it "
                "is now"
            )
        if rows.dtype.kind != "f" or rows.shape != (count, width) or not np.isfinite(rows).all():
            raise InputError(
                f"{path}: representations of shape {rows.shape}, {rows.dtype}, expected finite numbers of shape "
                f"{(count, width)}"
            )
        found[pooling] = rows
    return found


def _tensor(pooling: Pooling) -> str:
    return f"representations.{pooling}"


def _checksum(about: str, tensors: Mapping[str, np.ndarray]) -> str:
    """Of everything in a file, in an order of its own."""
    digest = hashlib.sha256(about.encode())
    for name in sorted(tensors):
        digest.update(f"\0{name} {tensors[name].dtype} {tensors[name].shape}\0".encode())
        digest.update(np.ascontiguousarray(tensors[name]).data)
    return digest.hexdigest()


def _shown(value: str) -> str:
    kind, colon, digits = value.rpartition(":")
    return shortened(f"{kind}{colon}{digits[:12]}" if len(digits) == 64 else value)


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return shortened(f"{'.'.join(map(str, first['loc']))}: {first['msg']}", 200)
    return shortened(" ".join(str(error).split()) or type(error).__name__, 200)
