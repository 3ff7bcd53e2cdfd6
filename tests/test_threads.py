"""One thread, also in a process that was forked from one with several."""

from __future__ import annotations

import multiprocessing

import cv2
import numpy as np
import pytest
import torch

from deocclude.threads import one_thread

_PATIENCE = 20


def _child(answers):
    one_thread()
    answers.put((torch.get_num_threads(), cv2.getNumThreads()))


@pytest.fixture
def opencv_with_threads():
    before = cv2.getNumThreads()
    cv2.setNumThreads(3)
    cv2.GaussianBlur(np.zeros((1024, 1024, 3), np.uint8), (0, 0), 5)
    yield
    cv2.setNumThreads(before)


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork on this system")
def test_a_forked_process_does_not_wait_for_its_parents_opencv_threads(opencv_with_threads):
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    process = context.Process(target=_child, args=(answers,))
    process.start()
    process.join(_PATIENCE)
    hangs = process.is_alive()
    process.kill()
    assert not hangs
    assert answers.get(timeout=_PATIENCE) == (1, 1)
