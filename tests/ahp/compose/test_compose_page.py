"""The page in headless Chromium, with real key presses and a real pointer."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import webdriver
from running_compose import Compose, over
from running_page import post
from webdriver import Browser

from deocclude.ahp.compose.library import Library

pytestmark = pytest.mark.skipif(webdriver.missing() is not None, reason=str(webdriver.missing()))

SHAPE = (
    "SELECT person, cutout, x, y, scale, angle, flipped, look, ratio, editor "
    "FROM composite WHERE withdrawn IS NULL"
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    running = Browser(tmp_path_factory.mktemp("profile"))
    yield running
    running.quit()


@pytest.fixture
def compose(make_compose: Callable[..., Compose]) -> Compose:
    return make_compose(votes=1)


def settle(page: Browser) -> None:
    assert page.wait(lambda: page.visible(".slide.settled .patch"))


def begin(page: Browser, compose: Compose, name: str) -> None:
    page.open(compose.url)
    page.wait(lambda: page.visible("#name-dialog"))
    page.press(*name, "Enter")
    page.complaints()


@pytest.fixture
def page(browser: Browser, compose: Compose) -> Browser:
    """The page after Ada has given her name."""
    begin(browser, compose, "Ada")
    settle(browser)
    return browser


def arrangement(page: Browser, compose: Compose) -> dict:
    """What the sprite shows: centre and size in the photo's pixels."""
    figure = compose.library.people[page.text("#identity")]
    x, y, width = page.run(
        "const s = document.querySelector('.sprite').style;"
        "return [s.left, s.top, s.width].map((one) => parseFloat(one) / 100)"
    )
    return {"x": x * figure.width, "y": y * figure.height, "width": width * figure.width}


def photo_scale(page: Browser, compose: Compose) -> float:
    width = page.run("return document.querySelector('.slide').getBoundingClientRect().width")
    return width / compose.library.people[page.text("#identity")].width


def centre(page: Browser) -> tuple[float, float]:
    return tuple(
        page.run(
            "const b = document.querySelector('.sprite').getBoundingClientRect();"
            "return [b.x + b.width / 2, b.y + b.height / 2]"
        )
    )


def put_where_it_may_be_saved(page: Browser, compose: Compose) -> None:
    """Drags the cut-out to the body's left side, and shrinks it until no more than half is hidden."""
    settle(page)
    left, top, _, bottom = compose.library.people[page.text("#identity")].box
    scale, (x, y) = photo_scale(page, compose), centre(page)
    slide = page.run("const b = document.querySelector('.slide').getBoundingClientRect(); return [b.x, b.y]")
    target = slide[0] + scale * left, slide[1] + scale * (top + bottom) / 2
    page.drag([(x, y), ((x + target[0]) / 2, (y + target[1]) / 2), target])
    for _ in range(30):
        settle(page)
        if 0.02 < float(page.text("#ratio").rstrip("%")) / 100 < 0.48 and not page.text("#problem"):
            return
        page.press("-")
    raise AssertionError(f"stays at {page.text('#ratio')}")


def test_a_cut_out_is_dragged_and_saved(page: Browser, compose: Compose) -> None:
    person = page.text("#identity")
    put_where_it_may_be_saved(page, compose)
    before, scale, (x, y) = arrangement(page, compose), photo_scale(page, compose), centre(page)
    page.drag([(x, y), (x - 2 * scale, y + scale), (x - 4 * scale, y + 3 * scale)])
    settle(page)
    after = arrangement(page, compose)
    assert after["x"] - before["x"] == pytest.approx(-4, abs=0.5)
    assert after["y"] - before["y"] == pytest.approx(3, abs=0.5)
    ratio = float(page.text("#ratio").rstrip("%")) / 100
    page.press("s")
    page.wait(lambda: compose.rows(SHAPE))
    ((saved, _, saved_x, saved_y, _, angle, flipped, look, exact, editor),) = compose.rows(SHAPE)
    assert (saved, angle, flipped, look, editor) == (person, 0, 0, 0, "ada")
    assert (saved_x, saved_y) == (pytest.approx(after["x"], abs=0.06), pytest.approx(after["y"], abs=0.06))
    assert exact == pytest.approx(ratio, abs=0.0006)
    page.wait(lambda: page.text("#identity") != person)
    page.wait(lambda: page.text("#count").startswith("1 of 6"))
    assert page.complaints() == []


def test_keys_arrange_and_undo_takes_each_back(page: Browser, compose: Compose) -> None:
    start = arrangement(page, compose)
    page.press("\ue014", "\ue014", "\ue013")
    moved = arrangement(page, compose)
    assert moved["x"] - start["x"] == pytest.approx(2, abs=0.11)
    assert moved["y"] - start["y"] == pytest.approx(-1, abs=0.11)
    page.press("+")
    assert arrangement(page, compose)["width"] == pytest.approx(1.03 * start["width"], rel=0.01)
    page.press("f", "e", "e", "c")
    transform = "return document.querySelector('.sprite').style.transform"
    assert page.run(transform) == "translate(-50%, -50%) rotate(6deg) scaleX(-1)"
    first = page.run("return document.querySelector('.sprite').src")
    page.press("n")
    assert page.run("return document.querySelector('.sprite').src") != first
    chosen = (
        "return [...document.querySelectorAll('#palette button')]"
        ".findIndex((one) => one.getAttribute('aria-selected') === 'true')"
    )
    assert page.run(chosen) == 1
    page.press("b")
    assert page.run("return document.querySelector('.sprite').src") == first
    settle(page)
    page.press("u", "u", "u", "u", "u", "u", "u")
    assert arrangement(page, compose) == pytest.approx(start, abs=1e-6)
    assert page.run(transform) == "translate(-50%, -50%) rotate(0deg) scaleX(1)"
    settle(page)


def test_too_much_is_refused_with_a_message(page: Browser, compose: Compose) -> None:
    person = page.text("#identity")
    left, top, right, bottom = compose.library.people[person].box
    scale, (x, y) = photo_scale(page, compose), centre(page)
    slide = page.run("const b = document.querySelector('.slide').getBoundingClientRect(); return [b.x, b.y]")
    page.drag([(x, y), (slide[0] + scale * (left + right) / 2, slide[1] + scale * (top + bottom) / 2)])
    page.press(*"+" * 60)
    page.wait(lambda: "more than half" in page.text("#problem"))
    page.press("s")
    page.wait(lambda: "more than half" in page.text("#said"))
    assert page.text("#identity") == person
    assert compose.rows(SHAPE) == []


def test_undo_after_a_reload_withdraws_and_shows_it_again(page: Browser, compose: Compose) -> None:
    put_where_it_may_be_saved(page, compose)
    person, shown = page.text("#identity"), arrangement(page, compose)
    page.press("s", "s")
    page.wait(lambda: page.text("#identity") != person)
    page.wait(lambda: len(compose.rows(SHAPE)) == 1)
    page.open(compose.url)
    settle(page)
    page.press("u")
    page.wait(lambda: page.text("#identity") == person)
    assert arrangement(page, compose) == pytest.approx(shown, abs=0.1)
    assert compose.rows(SHAPE) == []


def save_as(compose: Compose, editor: str, *people: str) -> None:
    for person in people:
        who = {"annotator": editor, "client": editor, "token": f"{editor}-{person}", "seconds": 1}
        assert post(compose.url, "save", who | over(compose.library, person))[0] == 200


def test_votes_with_one_key_each(browser: Browser, compose: Compose) -> None:
    save_as(compose, "Bob", "ccp-000", "ccp-002", "ccp-004")
    save_as(compose, "ada", "lspet-001")
    begin(browser, compose, "Ada")
    settle(browser)
    browser.press("2")
    browser.wait(lambda: browser.visible("#vote-bar"))
    assert not browser.visible("#side")
    voted = []
    for key in ("p", "f"):
        browser.wait(lambda: browser.text("#identity"))
        browser.run("return new Promise((done) => setTimeout(done, 140))")
        voted.append(browser.text("#identity"))
        browser.press(key)
        browser.wait(lambda: browser.text("#identity") not in voted)
    query = "SELECT composite, voter, verdict FROM vote WHERE undone IS NULL ORDER BY made"
    browser.wait(lambda: len(compose.rows(query)) == 2)
    assert compose.rows(query) == [(voted[0], "ada", "pass"), (voted[1], "ada", "fail")]
    browser.press("u")
    browser.wait(lambda: browser.text("#identity") == voted[1])
    browser.wait(lambda: len(compose.rows(query)) == 1)
    for _ in range(2):
        shown = browser.text("#identity")
        browser.run("return new Promise((done) => setTimeout(done, 140))")
        browser.press("p")
        browser.wait(lambda shown=shown: browser.text("#identity") != shown)
    browser.wait(lambda: browser.visible("#finished"))
    browser.wait(lambda: "3 composites have passed" in browser.text("#finished-text"))
    browser.wait(lambda: browser.text("#votable") == "0")
    browser.press("1")
    settle(browser)
    assert browser.complaints() == []


def test_two_tabs_have_different_people_and_a_dead_server_loses_nothing(
    page: Browser, compose: Compose, library: Library
) -> None:
    first = page.tab()
    person = page.text("#identity")
    page.new_tab(compose.url)
    settle(page)
    assert page.text("#identity") != person
    page.close_tab()
    page.switch(first)
    put_where_it_may_be_saved(page, compose)
    port = compose.server.server_port
    compose.stop()
    page.press("s")
    page.wait(lambda: page.visible("#offline"))
    assert compose.rows(SHAPE) == []
    compose.start(port)
    page.wait(lambda: len(compose.rows(SHAPE)) == 1)
    page.wait(lambda: not page.visible("#offline"))


def test_everything_has_a_name_for_screen_readers(page: Browser) -> None:
    nameless = page.run(
        "return [...document.querySelectorAll('button, input, progress, dialog')].filter((one) =>"
        "!(one.textContent.trim() || one.getAttribute('aria-label') || one.labels?.length ||"
        "one.getAttribute('aria-labelledby'))).map((one) => one.outerHTML)"
    )
    assert nameless == []
