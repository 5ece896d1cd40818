"""The embedded demo: its instructions, and a small base model trained on the same skills. Nothing is downloaded.

`scripts/demo_data` made the files under `data/`, `scripts/train_demo_model.py` the model.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from g2is.config import BuildConfig
from g2is.storage.files import write_bytes

if TYPE_CHECKING:
    from g2is.run.manifest import Manifest

MODEL = Path(__file__).parent / "model"
DATA = Path(__file__).parent / "data"


def model_of(manifest: Manifest) -> str | None:
    """Folder or name of a run's base model: for the demo, wherever it was built, the embedded one; None where the
    gradients were imported."""
    config = manifest.configuration
    if not isinstance(config, BuildConfig):
        return None
    return str(MODEL) if manifest.is_demo else config.model.model


@dataclass(frozen=True)
class DemoFiles:
    """The pool in three formats (Alpaca, chat, ShareGPT), the validation examples and a test set."""

    train: tuple[Path, ...]
    validation: Path
    test: Path

    @classmethod
    def of(cls, folder: Path) -> DemoFiles:
        """Their paths in a folder."""
        pool = ("pool_alpaca.jsonl", "pool_chat.jsonl", "pool_sharegpt.json")
        return cls(tuple(folder / name for name in pool), folder / "validation.jsonl", folder / "test.jsonl")

    @property
    def all(self) -> tuple[Path, ...]:
        """Every file."""
        return (*self.train, self.validation, self.test)


def copy_demo(folder: Path) -> DemoFiles:
    """Copy the demo's files into a folder; raises `InputError` where it cannot be written."""
    for path in DemoFiles.of(DATA).all:
        write_bytes(folder / path.name, path.read_bytes())
    return DemoFiles.of(folder)


__all__ = ["DATA", "MODEL", "DemoFiles", "copy_demo"]
