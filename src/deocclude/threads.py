"""How many threads a process uses where it shares the cores with others, or must repeat its results.

torch and OpenCV are imported when asked for: not every process that calls this needs them.
"""

from __future__ import annotations


def one_opencv_thread() -> None:
    """Keeps OpenCV in this process to one thread.

    Safe in a forked process too: asked for 1 it would wait for ever for its parent's threads; 0 uses none.
    """
    import cv2

    cv2.setNumThreads(0)


def one_thread() -> None:
    """Keeps torch and OpenCV in this process to one thread."""
    import torch

    torch.set_num_threads(1)
    one_opencv_thread()
