"""How many threads a process uses where it shares the cores with others, or must repeat its results."""

from __future__ import annotations

import cv2
import torch


def one_thread() -> None:
    """Keeps torch and OpenCV in this process to one thread.

    Safe in a forked process too: OpenCV asked for 1 would wait for ever for its parent's threads; 0 uses
    none.
    """
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
