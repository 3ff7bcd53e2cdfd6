"""The page in headless Chromium, with real key presses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import webdriver
from PIL import Image
from running_page import post
from running_review import Review
from webdriver import Browser

from deocclude.ahp.review.picture import window_of
from deocclude.ahp.review.workspace import Workspace

pytestmark = pytest.mark.skipif(webdriver.missing() is not None, reason=str(webdriver.missing()))


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    running = Browser(tmp_path_factory.mktemp("profile"))
    yield running
    running.quit()


@pytest.fixture
def review(make_workspace: Callable[[Path, int], Workspace], tmp_path: Path) -> Iterator[Review]:
    running = Review(make_workspace(tmp_path / "work", 24))
    yield running
    running.stop()


@pytest.fixture
def page(browser: Browser, review: Review) -> Browser:
    """The page after Ada has given her name."""
    browser.open(review.url)
    browser.wait(lambda: browser.visible("#name-dialog"))
    browser.press(*"Ada", "Enter")
    browser.wait(lambda: browser.visible(".slide img"))
    browser.complaints()
    return browser


def shown(page: Browser) -> str:
    return page.text("#identity")


def judge(page: Browser, key: str) -> str:
    """Presses the key as soon as the page takes it; returns the sample it was about."""
    sample = shown(page)
    page.run("return new Promise((done) => setTimeout(done, 140))")
    page.press(key)
    assert page.wait(lambda: shown(page) != sample)
    return sample


def settled(review: Review, count: int, page: Browser) -> list[tuple[str, str, str]]:
    page.wait(lambda: len(review.decisions()) == count)
    return review.decisions()


def test_one_key_each(page: Browser, review: Review) -> None:
    judged = [
        (judge(page, key), "Ada", choice)
        for key, choice in zip("dpr", ("discard", "preserve", "refine"), strict=True)
    ]
    assert settled(review, 3, page) == judged
    page.wait(lambda: page.text("#count") == "3 of 24")
    assert page.text("#refine-count") == "1"
    assert 0.1 < float(page.text("#pace")) < 20
    assert page.complaints() == []


def test_the_next_sample_is_shown_at_once(page: Browser) -> None:
    page.wait(
        lambda: page.run(
            "return performance.getEntriesByType('resource')"
            ".filter((one) => one.name.includes('/photo/')).length >= 6"
        )
    )
    page.run(
        "window.waited = [];"
        "document.addEventListener('keydown', () => { const began = performance.now();"
        "requestAnimationFrame(() => { const image = document.querySelector('.slide img');"
        "window.waited.push([performance.now() - began, image.complete && image.naturalWidth > 0]); }); });"
    )
    for _ in range(3):
        judge(page, "p")
    waited = page.run("return window.waited")
    assert len(waited) == 3
    assert all(complete for _, complete in waited)


def test_undo_by_both_keys(page: Browser, review: Review) -> None:
    first, second = judge(page, "d"), judge(page, "p")
    page.press("u")
    page.wait(lambda: shown(page) == second)
    page.press("z", hold="Control")
    page.wait(lambda: shown(page) == first)
    page.wait(lambda: review.decisions() == [])
    assert judge(page, "p") == first
    assert shown(page) == second
    assert settled(review, 1, page) == [(first, "Ada", "preserve")]


def test_undo_after_a_reload(page: Browser, review: Review) -> None:
    sample = judge(page, "d")
    settled(review, 1, page)
    page.open(review.url)
    page.wait(lambda: page.visible(".slide img"))
    assert not page.visible("#name-dialog")
    page.press("u")
    page.wait(lambda: shown(page) == sample)
    page.wait(lambda: review.decisions() == [])


def test_a_double_click_and_a_held_key_decide_once(page: Browser, review: Review) -> None:
    sample = shown(page)
    page.run("return new Promise((done) => setTimeout(done, 140))")
    page.double_click("[data-choice=discard]")
    page.wait(lambda: shown(page) != sample)
    after = shown(page)
    page.run("return new Promise((done) => setTimeout(done, 140))")
    page.run(
        "document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'p', repeat: true, bubbles: true }))"
    )
    page.press("p", "p")
    page.wait(lambda: shown(page) != after)
    assert settled(review, 2, page) == [(sample, "Ada", "discard"), (after, "Ada", "preserve")]


def test_two_tabs_judge_different_samples(page: Browser, review: Review) -> None:
    first = page.tab()
    second = page.new_tab(review.url)
    page.wait(lambda: page.visible(".slide img"))
    seen = [judge(page, "p") for _ in range(3)]
    page.switch(first)
    seen += [judge(page, "d") for _ in range(3)]
    assert len(set(seen)) == 6
    settled(review, 6, page)
    page.switch(second)
    page.close_tab()
    page.switch(first)


def test_decisions_wait_for_a_server_that_is_gone(page: Browser, review: Review) -> None:
    port = review.server.server_port
    judged = [judge(page, "p")]
    settled(review, 1, page)
    review.stop()
    judged += [judge(page, "d"), judge(page, "d")]
    page.wait(lambda: page.visible("#offline"))
    assert len(review.decisions()) == 1
    review.start(port)
    assert [sample for sample, _, _ in settled(review, 3, page)] == judged
    page.wait(lambda: not page.visible("#offline"))


def test_skip_zoom_overlay_hints_and_help(page: Browser, review: Review) -> None:
    first = judge(page, "s")
    assert review.decisions() == []
    assert shown(page) != first
    width = "return document.querySelector('.slide').getBoundingClientRect().width"
    before = page.run(width)
    page.press("z")
    assert page.run(width) == pytest.approx(2.5 * before, rel=0.01)
    page.press("z")
    assert page.run(width) == pytest.approx(before, rel=0.01)
    styles = []
    for _ in range(3):
        page.press("c")
        styles.append((page.visible("svg .line"), page.visible("svg .shade")))
    assert styles == [(False, True), (False, False), (True, False)]
    assert not page.visible("svg .hint")
    page.press("j")
    assert page.visible("svg .hint")
    page.press("?")
    page.wait(lambda: page.visible("#help"))
    page.press("d")
    page.press("Escape")
    page.wait(lambda: not page.visible("#help"))
    assert review.decisions() == []


def test_everything_has_a_name_for_screen_readers(page: Browser) -> None:
    nameless = page.run(
        "return [...document.querySelectorAll('button, input, img, progress, dialog')].filter((one) =>"
        "!(one.textContent.trim() || one.alt || one.getAttribute('aria-label') || one.labels?.length ||"
        "one.getAttribute('aria-labelledby'))).map((one) => one.outerHTML)"
    )
    assert nameless == []
    assert page.run("return document.querySelector('.slide img').alt").startswith(f"Candidate {shown(page)}")


def test_the_end(page: Browser, review: Review) -> None:
    bob = {"annotator": "bob", "client": "bob"}
    for sample in post(review.url, "next", {**bob, "count": 24})[1]["samples"]:
        body = {**bob, "token": sample["id"], "sample": sample["id"], "decision": "discard", "seconds": 1}
        post(review.url, "decide", body)
    for _ in range(24 - len(review.decisions())):
        judge(page, "p")
    page.wait(lambda: page.visible("#finished"))
    page.wait(lambda: "24 of 24" in page.text("#finished-text"))


def test_a_mask_is_mended_with_brush_and_polygon(page: Browser, review: Review) -> None:
    sample = judge(page, "r")
    settled(review, 1, page)
    page.press("e")
    page.wait(lambda: page.visible(".slide canvas"))
    candidate = review.server.api.candidate(sample)
    assert candidate.mask is not None
    left, top, right, bottom = window_of(candidate)
    box = page.run(
        "const b = document.querySelector('.slide').getBoundingClientRect(); return [b.x, b.y, b.width]"
    )
    scale = box[2] / (right - left)

    def at(x: float, y: float) -> tuple[float, float]:
        return box[0] + (x - left) * scale, box[1] + (y - top) * scale

    for _ in range(3):
        page.press("[")
    diameter = int(page.text("#brush-size").split()[0])
    assert diameter < 16
    centre = (candidate.box[0] + candidate.box[2]) / 2, (candidate.box[1] + candidate.box[3]) / 2
    page.press("x")
    page.drag([at(centre[0] - 8, centre[1]), at(centre[0] + 8, centre[1])])
    page.press("b")
    page.drag([at(left + 5, top + 6), at(left + 15, top + 6)])
    page.drag([at(left + 5, bottom - 20), at(left + 15, bottom - 20)])
    page.press("u")
    page.press("g")
    corners = [(right - 14, top + 4), (right - 4, top + 4), (right - 4, top + 16), (right - 14, top + 16)]
    for corner in corners:
        page.drag([at(*corner)])
    page.press("Enter", "s")
    page.wait(lambda: page.text("#refine-count") == "0")
    page.wait(lambda: page.visible("#judge-bar"))
    root = review.workspace.root
    mended = np.array(Image.open(root / "masks" / f"{sample}.png")) > 0
    assert (np.array(Image.open(root / "masks-before" / f"{sample}.png")) == candidate.mask * 255).all()
    rows, columns = np.mgrid[: candidate.height, : candidate.width] + 0.5

    def near_line(x: float, x2: float, y: float, margin: float) -> np.ndarray:
        distance = np.hypot(columns - np.clip(columns, x, x2), rows - y)
        return distance < diameter / 2 + margin

    def square(margin: float) -> np.ndarray:
        x, x2, y, y2 = right - 14 - margin, right - 4 + margin, top + 4 - margin, top + 16 + margin
        return (columns > x) & (columns < x2) & (rows > y) & (rows < y2)

    erased, added = (
        near_line(centre[0] - 8, centre[0] + 8, centre[1], -1.2),
        near_line(left + 5, left + 15, top + 6, -1.2),
    )
    assert not mended[erased & ~added & ~square(1.2)].any()
    assert mended[added].all()
    assert mended[square(-1.2)].all()
    touched = (
        near_line(centre[0] - 8, centre[0] + 8, centre[1], 1.2)
        | near_line(left + 5, left + 15, top + 6, 1.2)
        | square(1.2)
    )
    assert (mended == candidate.mask)[~touched].all()
    assert page.complaints() == []
