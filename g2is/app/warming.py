"""Loads what later pages need while the first one is read. No Streamlit of its own.

Libraries are half of the time that a page takes when it is opened first, scikit-learn alone 1.5 s. They are imported by
one thread in the order in which readers need them: the first page before anyone has asked for it, the rest once that
page has been drawn, so that it does not wait for them.

Modules stay for good, and so the garbage collector need not look at them. Streamlit has it look at everything after
each run of a script, .14 s with these libraries, in which no other thread runs and nothing is sent.
"""

from __future__ import annotations

import gc
import importlib
import threading
from collections.abc import Sequence

FIRST = ("pandas", "g2is.app.home.page")
REST = (
    "g2is.app.walk.page",
    "g2is.app.map.page",
    "igraph",
    "plotly.graph_objects",
    "g2is.app.neighbourhood.page",
    "g2is.app.core_knowledge.page",
    "g2is.app.instructions.page",
    "g2is.app.compare.page",
    "g2is.app.export.page",
    "g2is.app.inspect.page",
    "scipy.sparse.csgraph",
    "sklearn.decomposition",
    "sklearn.cluster",
)
PATIENCE = 60.0
"""Seconds to wait for a first page, for a server that nobody opens."""

_drawn = threading.Event()
_lock = threading.Lock()
_thread: threading.Thread | None = None


def begin() -> threading.Thread:
    """Start to load, once a process. Streamlit's server must have been started."""
    global _thread
    with _lock:
        if _thread is None:
            _thread = threading.Thread(target=_load, name="warming", daemon=True)
            _thread.start()
        return _thread


def begin_with_server() -> None:
    """Start to load as soon as Streamlit's server stands, from before it does."""
    threading.Thread(target=_await_server, name="warming", daemon=True).start()


def page_drawn() -> None:
    """A page is complete: what the others need can be loaded."""
    begin()
    _drawn.set()


def _await_server() -> None:
    from streamlit import runtime

    wait = threading.Event()
    while not runtime.exists():
        wait.wait(0.05)
    begin()


def _load() -> None:
    _import(FIRST)
    _drawn.wait(PATIENCE)
    _import(REST)
    importlib.import_module("g2is.figures.ahead").draw_first()
    gc.freeze()


def _import(names: Sequence[str]) -> None:
    for name in names:
        importlib.import_module(name)
        gc.freeze()
