"""The manifest of a requested build, and how it differs from an existing run."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from g2is.config import BuildConfig, ImportConfig
from g2is.errors import InputError
from g2is.run.manifest import FORMAT_VERSION, Manifest, without_whitened
from g2is.run.parts import InputFile

LIBRARIES = ("torch", "transformers", "peft", "numpy", "pandas", "umap-learn", "igraph")
"""Packages whose versions the manifest records, since results may depend on them."""

CHANGEABLE = {
    "graph": ("graph", "layout", "communities", "targets"),
    "layout": ("layout", "targets"),
    "communities": ("communities",),
}
"""Sections of the settings that may change in a finished run, and the stages that are then computed again. They are
cheap, and gradients do not depend on them."""


def new_manifest(
    configuration: BuildConfig | ImportConfig,
    train: list[InputFile],
    validation: list[InputFile],
    model: dict[str, Any],
) -> Manifest:
    """The manifest of a run without finished stages."""
    return Manifest(
        format_version=FORMAT_VERSION,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        configuration=configuration,
        train=train,
        validation=validation,
        model=model,
        versions={
            "python": platform.python_version(),
            **{name: version(name) for name in LIBRARIES},
        },
    )


def refuse_differences(folder: Path, existing: Manifest, requested: Manifest) -> None:
    """Raise `InputError` with all settings and inputs that differ, if a run cannot change them."""
    if others := differences(existing, requested, *CHANGEABLE):
        raise InputError(
            f"{folder}: exists, built from other inputs or settings ({'; '.join(others)}); "
            "choose another --run, or replace it with --overwrite"
        )


def differences(existing: Manifest, requested: Manifest, *ignored: str) -> list[str]:
    """All settings and inputs in which a run differs from the request. ignored: sections of the settings."""
    # Whitened gradients are made from others at any time.
    old, new = (_flat(without_whitened(manifest)) for manifest in (existing, requested))
    # The same model may have moved; its content is compared by fingerprint. Device and dtype are compared as
    # resolved, not as requested. Batch sizes change results by rounding only.
    free = {"model.model", "model.device_map", "gradients.batch_tokens"}
    return [
        f"{key}: {old.get(key, 'absent')} -> {new.get(key, 'absent')}"
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key) and key not in free and key.partition(".")[0] not in ignored
    ]


def _flat(manifest: Manifest) -> dict[str, Any]:
    """All settings and inputs by name."""
    values: dict[str, Any] = {}
    for section, settings in manifest.configuration.model_dump().items():
        named = settings if isinstance(settings, dict) else {"": settings}
        values.update({f"{section}.{key}".rstrip("."): value for key, value in named.items()})
    for kind, inputs in (("train", manifest.train), ("validation", manifest.validation)):
        for place, file in enumerate(inputs, start=1):
            target = f"{file.target}=" if file.target else ""
            values[f"{kind} file {place}"] = f"{target}{file.name} ({file.sha256[:12]})"
    return values | {f"model.{name}": manifest.model.get(name) for name in ("fingerprint", "device", "dtype")}
