"""A run with targets that were removed or replaced since, to explain what was selected for them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from g2is.errors import InputError
from g2is.run.parts import TARGET, Part
from g2is.run.run import Run


def with_targets(run: Run, versions: Mapping[str, str]) -> Run:
    """The same run with some targets as they were.

    versions: of `Run.target_versions`, by name; "" for any. Of a target that was removed or replaced there are the
    examples and their gradients; cosines of the pool to them are NaN, places on the map and leaks are not there. One
    that is not kept stays as it is now.
    """
    manifest = run.manifest
    known = run.target_versions if manifest.removed else {}
    found: dict[str, Part] = {}
    for name, version in versions.items() if known else ():
        if name not in known or version not in ("", known[name]):
            found |= _removed(run, name, version)
    if not found:
        return run
    back = {part.name for part in found.values()}
    replaced = {place for place, part in manifest.targets.items() if part.name in back}
    parts = {place: part for place, part in manifest.parts.items() if place not in replaced} | found
    return _with_parts(run, dict(sorted(parts.items(), key=lambda item: manifest.came(item[1]))))


def _removed(run: Run, name: str, version: str) -> dict[str, Part]:
    """The target of this version that was removed last, by its folder; empty where none is kept."""
    for place, part in reversed(run.manifest.removed.items()):
        if part.kind == TARGET and part.name == name:
            with suppress(InputError):  # a file that is damaged
                if version in ("", _with_parts(run, {place: part}).target_versions[name]):
                    return {place: part}
    return {}


def _with_parts(run: Run, parts: dict[str, Part]) -> Run:
    return Run(run.folder, run.manifest.model_copy(update={"parts": parts}))
