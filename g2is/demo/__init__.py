"""The embedded demo: data made by seeded code, and a small base model trained on the same skills.

`write_demo` writes the pool and the target; `MODEL` is the folder of the base model, which
`scripts/train_demo_model.py` made. Nothing is downloaded.
"""

from __future__ import annotations

from pathlib import Path

from g2is.demo.data import DemoFiles, plain_statements, write_demo

MODEL = Path(__file__).parent / "model"

__all__ = ["MODEL", "DemoFiles", "plain_statements", "write_demo"]
