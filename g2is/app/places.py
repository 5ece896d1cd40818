"""Where the app's own files are: its script, its pages and its server settings. No Streamlit.

They stand at the top of a checkout, so that `streamlit run app.py` works there. The wheel carries them in
`g2is/app/site`. Streamlit reads `.streamlit/config.toml` beside the script that it runs, wherever it is started.
"""

from __future__ import annotations

import os
from pathlib import Path

_PACKAGED = Path(__file__).parent / "site"
_CHECKOUT = Path(__file__).resolve().parents[2]

SITE = _PACKAGED if _PACKAGED.is_dir() else _CHECKOUT
"""The folder of app.py, pages/ and .streamlit/."""


def cache_folder() -> Path:
    """The folder of the runs."""
    return Path(os.environ.get("G2IS_CACHE") or default_cache())


def default_cache() -> Path:
    """Where runs live unless it is set: beside app.py in a checkout, otherwise in the current folder."""
    return (_CHECKOUT if SITE == _CHECKOUT else Path.cwd()) / "cache"
