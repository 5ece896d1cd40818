"""How colours look to people who lack one kind of cone, and how far apart two colours are.

The matrices are those of Machado, Oliveira and Fernandes (2009), "A physiologically-based model for simulation of
color vision deficiency", table 1 at severity 1.0, applied to linear RGB.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SIMULATED = {
    "full colour vision": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
"""From linear sRGB (IEC 61966-2-1)."""


def rgb(colour: str | Sequence[int]) -> NDArray[np.float64]:
    """Red, green and blue from 0 to 255, of a colour such as "#0072B2"."""
    if isinstance(colour, str):
        colour = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    return np.array(colour, np.float64)


def lab(colour: str | Sequence[int], vision: str) -> NDArray[np.float64]:
    """CIE L*a*b* (D65) of a colour as it looks to a kind of colour vision."""
    share = rgb(colour) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    xyz = XYZ @ np.clip(SIMULATED[vision] @ linear, 0, 1) / XYZ.sum(axis=1)
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def distance(one: str | Sequence[int], other: str | Sequence[int], vision: str) -> float:
    """Euclidean distance in CIE L*a*b* (1976); about 2.3 is just noticeable side by side."""
    return float(np.linalg.norm(lab(one, vision) - lab(other, vision)))
