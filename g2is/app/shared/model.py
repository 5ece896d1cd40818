"""Where the model of a run is on this machine, and what of it is missing. No Streamlit."""

from __future__ import annotations

import importlib.util
from contextlib import suppress
from pathlib import Path

from g2is.config import BuildConfig
from g2is.config.commands import LENGTH
from g2is.demo import model_of
from g2is.run.run import Run

CONFIGS = ("config.json", "adapter_config.json")


def can_compute() -> bool:
    """Whether what takes gradients is installed here."""
    return all(importlib.util.find_spec(name) is not None for name in ("torch", "transformers", "peft"))


def is_imported(run: Run) -> bool:
    """Whether the gradients of a run come from another program, so that it has no model."""
    return not isinstance(run.manifest.configuration, BuildConfig)


def model_here(run: Run) -> Path | None:
    """The folder of a run's model, where it was when the run was built; None where it is not on this machine."""
    model = model_of(run.manifest)
    if model is None:
        return None
    folder = Path(model).expanduser()
    return folder if is_model(folder) else _from_hub(model)


def is_model(folder: Path) -> bool:
    """Whether a folder holds a model or an adapter."""
    try:
        return any((folder / name).is_file() for name in CONFIGS)
    except (OSError, ValueError):  # no file can have this name
        return False


def _from_hub(model: str) -> Path | None:
    """The folder of a model that was downloaded from the Hub; nothing is downloaded."""
    from huggingface_hub import try_to_load_from_cache

    with suppress(ValueError):  # no id
        for name in CONFIGS:
            found = try_to_load_from_cache(model, name)
            if isinstance(found, str):
                return Path(found).parent
    return None


def longest(run: Run) -> int:
    """Tokens that examples of a run are cut at."""
    config = run.manifest.configuration
    return (config.model.max_length if isinstance(config, BuildConfig) else None) or LENGTH
