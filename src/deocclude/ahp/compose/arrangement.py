"""Where an editor has put which cut-out, and how large, turned and flipped it is."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import numpy as np

LEAST_SCALE, MOST_SCALE = 0.02, 3.0
"""Cut-outs are enlarged at most as much as the synthesis enlarges them."""
MOST_LOOKS = 1000


@dataclass(frozen=True)
class Arrangement:
    """A cut-out over a person.

    x, y: the photo's pixel coordinates of the cut-out's centre. scale: over the cut-out's own pixels, in
    [0.02, 3]. flipped: left and right exchanged, before it is turned. angle: degrees clockwise, in
    [-180, 180]. look: 0 to 1000, which of the random feathers and colour matches. Raises ValueError
    otherwise.
    """

    person: str
    cutout: str
    x: float
    y: float
    scale: float
    angle: float
    flipped: bool
    look: int

    def __post_init__(self) -> None:
        if not math.isfinite(self.x) or not math.isfinite(self.y):
            raise ValueError(f"the centre ({self.x}, {self.y}) is nowhere")
        if not LEAST_SCALE <= self.scale <= MOST_SCALE:
            raise ValueError(f"scale must be {LEAST_SCALE} to {MOST_SCALE}, not {self.scale}")
        if not -180 <= self.angle <= 180:
            raise ValueError(f"angle must be -180 to 180 degrees, not {self.angle}")
        if not 0 <= self.look <= MOST_LOOKS:
            raise ValueError(f"look must be 0 to {MOST_LOOKS}, not {self.look}")

    def generator(self) -> np.random.Generator:
        """For feather and colours: the same for the same person, cut-out and look, wherever it lies."""
        digest = hashlib.sha256(f"{self.person}\n{self.cutout}".encode()).digest()
        return np.random.default_rng([int.from_bytes(digest[:8], "big"), self.look])
