"""How many threads a process uses where it shares the cores with others, or must repeat its results."""

from __future__ import annotations

import cv2
import torch


def one_thread() -> None:
    """Keeps torch and OpenCV in this process to one thread."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
