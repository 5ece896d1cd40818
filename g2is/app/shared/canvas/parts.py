"""Parts: what a canvas shows, sent as bytes, each in an element of its own.

Streamlit sends an element again only if its bytes have changed, so a page that changes one part sends that part alone.
"""

from __future__ import annotations

import json
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from g2is.app.shared.events import while_shown
from g2is.app.shared.javascript import module

_SCRIPT = Path(__file__).parent / "part.js"


def pack(channel: str, kind: str, header: dict[str, Any], **arrays: NDArray[Any]) -> bytes:
    """A part as bytes: 4 bytes length of the header, a JSON header, and the arrays that the header lists.

    channel: the canvas that the part is for. kind: what it replaces there. The header gets an `id`, which depends on
    all that is packed. Arrays of uint8, uint16, int32 and float32 are understood.
    """
    listed = [(name, array.dtype.str[1:], array.size) for name, array in arrays.items()]
    body = b"".join(np.ascontiguousarray(array).tobytes() for array in arrays.values())
    content = {"channel": channel, "kind": kind, **header, "arrays": listed}
    content["id"] = blake2b(json.dumps(content).encode() + body, digest_size=8).hexdigest()
    text = json.dumps(content).encode()
    return len(text).to_bytes(4, "little") + text + body


def show_part(data: bytes, *, key: str, **callbacks: Any) -> None:
    """Send a part to its canvas, which may stand anywhere on the page.

    callbacks: `on_NAME_change` for each NAME in the header's `events`, which the canvas then may raise.
    """
    # Registered at each call: the registry belongs to the running server, which a module may outlive.
    part = st.components.v2.component("g2is_part", js=module(_SCRIPT))
    callbacks = {name: while_shown(key, callback) for name, callback in callbacks.items()}
    part(key=key, data=data, height=1, **callbacks)
