"""What visitors compute alike is computed once, for all of them. No Streamlit.

Streamlit's caches do the same for a function of few small arguments; this is for what is made in place, of what is at
hand there.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

_results: dict[str, OrderedDict[str, Any]] = {}
_making: dict[tuple[str, str], tuple[threading.Lock, int]] = {}
"""Locks of what is being made, with how many hold or want them."""
_lock = threading.Lock()


def computed(what: str, key: str, make: Callable[[], Any], most: int = 64) -> Any:
    """What `make` gives, kept for the same key; of more than `most` results, the one not asked for longest is dropped.

    what: the kind of result. key: all that it depends on, with the state of the run. Where another visitor is making
    it, this waits; where that one fails or is stopped, it is made here. The result must not be changed.
    """
    with _lock:
        results = _results.setdefault(what, OrderedDict())
        if key in results:
            results.move_to_end(key)
            return results[key]
        making, asking = _making.get((what, key), (threading.Lock(), 0))
        _making[what, key] = making, asking + 1
    try:
        with making:
            with _lock:
                if key in results:
                    return results[key]
            result = make()
            with _lock:
                results[key] = result
                while len(results) > most:
                    results.popitem(last=False)
            return result
    finally:
        with _lock:
            making, asking = _making.pop((what, key))
            if asking > 1:
                _making[what, key] = making, asking - 1
