import base64
import io
import json
import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from deocclude.ahp import frozen
from deocclude.ahp.layout import Occluders, People
from deocclude.ahp.sample import WholePerson
from deocclude.ahp.statistics import charts
from deocclude.ahp.statistics.contact_sheet import (
    BODY,
    TILE_HEIGHT,
    TILE_WIDTH,
    UNKNOWN,
    contact_sheet,
    draw_lots,
    person_tile,
)
from deocclude.ahp.statistics.distribution import Distribution
from deocclude.ahp.statistics.pictures import random_composites, random_people
from deocclude.cli import app
from deocclude.errors import DeoccludeError

VOID = {"meta", "img", "line", "rect", "br"}


@pytest.fixture(scope="module")
def data_set(tmp_path_factory, ahp_folder):
    """Four composites of two people in `val`."""
    root = tmp_path_factory.mktemp("seen") / "people <of> mine"
    shutil.copytree(ahp_folder, root)
    samples = frozen.validation_samples(People(root, "val"), Occluders(root, "val"), 2, 0, 2)
    assert frozen.write_samples(root / "val", samples, 4) == 4
    return root


def _square(height, width, rows, columns):
    body = np.zeros((height, width), bool)
    body[rows, columns] = True
    photo = np.full((height, width, 3), 90, np.uint8)
    parsing = np.where(body, 255, 0).astype(np.uint8)
    return WholePerson("ccp-1", "ccp", photo, body, parsing, np.zeros_like(body))


def _is(tile, colour):
    return (tile == np.array(colour, np.uint8)).all(axis=2)


def test_the_contour_runs_along_the_border_of_the_mask():
    person = _square(300, 300, slice(100, 200), slice(125, 175))
    tile = person_tile(person)
    assert tile.shape == (TILE_HEIGHT, TILE_WIDTH, 3)
    ys, xs = np.nonzero(_is(tile, BODY))
    scale = min(TILE_WIDTH / 66, TILE_HEIGHT / 116)
    assert ys.max() - ys.min() == pytest.approx(100 * scale, abs=4)
    assert xs.max() - xs.min() == pytest.approx(50 * scale, abs=4)
    middle = tile[TILE_HEIGHT // 2 - 20 : TILE_HEIGHT // 2 + 20, TILE_WIDTH // 2 - 20 : TILE_WIDTH // 2 + 20]
    assert (middle == 90).all()


def test_people_at_the_border_and_of_odd_shapes_fill_a_tile():
    for person in (
        _square(41, 203, slice(0, 41), slice(0, 203)),
        _square(203, 41, slice(0, 1), slice(0, 1)),
        _square(97, 61, slice(90, 97), slice(0, 61)),
    ):
        tile = person_tile(person)
        assert tile.shape == (TILE_HEIGHT, TILE_WIDTH, 3)
        assert tile.dtype == np.uint8
        assert _is(tile, BODY).any()


def test_unknown_regions_have_their_own_colour(figures):
    assert _is(person_tile(figures[0]), UNKNOWN).any()
    assert not _is(person_tile(_square(90, 90, slice(20, 80), slice(30, 60))), UNKNOWN).any()


@pytest.mark.parametrize("count", [1, 2, 7, 100])
def test_a_sheet_holds_every_tile(count):
    tiles = [np.full((TILE_HEIGHT, TILE_WIDTH, 3), value, np.uint8) for value in range(100, 100 + count)]
    sheet = contact_sheet(tiles, [f"ccp-{k}" for k in range(count)])
    pixels = np.bincount(sheet[..., 0].ravel(), minlength=256)
    assert (pixels[100 : 100 + count] >= TILE_HEIGHT * TILE_WIDTH).all()
    assert 0.5 < sheet.shape[0] / sheet.shape[1] < 3


def test_lots():
    assert draw_lots(5, 9, 0) == [0, 1, 2, 3, 4]
    assert draw_lots(1000, 10, 3) == draw_lots(1000, 10, 3) != draw_lots(1000, 10, 4)
    drawn = [position for seed in range(300) for position in draw_lots(10, 3, seed)]
    assert np.bincount(drawn).min() > 60
    assert len(set(draw_lots(1000, 500, 0))) == 500


def test_random_people_are_drawn_from_both_splits(data_set, figures):
    shown = random_people(data_set, 100, 0)
    assert [picture.caption for picture in shown] == sorted(person.id for person in figures)
    assert len(random_people(data_set, 3, 1)) == 3


def test_random_composites_say_what_hides_how_much(data_set):
    shown = random_composites(data_set, "val", 2, 0)
    assert len(shown) == 2
    assert all(re.fullmatch(r"\S+-\d: \d+% behind (big ball|person)", picture.caption) for picture in shown)
    with pytest.raises(DeoccludeError, match="no RGBErased folder"):
        random_composites(data_set, "test", 2, 0)


def test_columns_have_the_heights_of_the_counts():
    distribution = Distribution.of({"a": [1.5] * 30 + [2.5] * 10, "b": [2.5] * 10}, (0, 1, 2, 3, 4))
    chart = charts.columns(distribution, str, "x", ["a", "b"])
    heights = [float(height) for height in re.findall(r'<rect class="s\d" x=[^>]* height="([\d.]+)"', chart)]
    assert heights == [75.0, 25.0, 25.0]
    tops = [float(top) for top in re.findall(r'<rect class="s\d" x=[^>]* y="([\d.]+)"', chart)]
    assert tops == [25.0, 75.0, 50.0]
    assert 'viewBox="0 0 2 100"' in chart
    assert "<title>2.0 to 3.0: 20</title>" in chart


def test_bars_are_relative_to_the_longest_and_escape_their_words():
    chart = charts.bars([("<b>", 4, "4"), ("c", 1, "1")])
    assert re.findall(r'width="([\d.]+)"', chart) == ["100.00", "25.00"]
    assert "&lt;b&gt;" in chart
    assert "<b>" not in chart


class _Page(HTMLParser):
    """Checks that tags are closed in order; gathers text, attributes and tags."""

    def __init__(self, text):
        super().__init__()
        self.open, self.words, self.attributes, self.tags = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def _invoke(*arguments):
    return CliRunner().invoke(app, ["ahp", "statistics", *map(str, arguments)])


@pytest.fixture(scope="module")
def written(tmp_path_factory, data_set):
    out = tmp_path_factory.mktemp("out")
    targets = ("--json", out / "s.json", "--html", out / "s.html", "--sheet", out / "s.png")
    result = _invoke(data_set, *targets, "--count", 5, "--workers", 2)
    assert result.exit_code == 0, result.output
    return out, result.output


def test_the_terminal_shows_the_tables(written):
    for words in ("Table 1", "upper-clothes", "4 composites of 2 people in val", "big ball", "left out"):
        assert words in written[1]


def test_the_json_holds_the_numbers(written):
    numbers = json.loads((written[0] / "s.json").read_text())
    assert sum(numbers["people"]["aspect ratio"]["total"]) == 8
    assert sum(numbers["composites"]["val"]["occlusion ratio"]["total"]) == 4
    assert numbers["scenes"] is None


def test_the_page_is_whole_and_needs_nothing_else(written):
    text = (written[0] / "s.html").read_text()
    page = _Page(text)
    assert "people <of> mine" in "".join(page.words)
    assert not {"script", "link", "iframe"} & set(page.tags)
    links = [value for name, value in page.attributes if name in ("src", "href", "srcset", "data")]
    assert len(links) == 5 + 4
    assert all(link.startswith("data:image/jpeg;base64,") for link in links)
    assert not re.search(r"url\(|@import|https?://", text)
    assert "prefers-color-scheme:dark" in text
    assert "width=device-width" in text
    sizes = {Image.open(io.BytesIO(base64.b64decode(link.partition(",")[2]))).size for link in links}
    assert sizes == {(TILE_WIDTH, TILE_HEIGHT)}


def test_every_picture_of_the_page_has_words(written):
    page = _Page((written[0] / "s.html").read_text())
    assert all(value for name, value in page.attributes if name == "alt")


def test_the_same_data_set_gives_the_same_files(written, data_set, tmp_path):
    again = _invoke(data_set, "--html", tmp_path / "s.html", "--count", 5, "--workers", 1)
    assert again.exit_code == 0
    assert (tmp_path / "s.html").read_bytes() == (written[0] / "s.html").read_bytes()


def test_the_sheet(written, data_set, tmp_path):
    with Image.open(written[0] / "s.png") as sheet:
        assert sheet.size[0] > TILE_WIDTH
    assert _invoke(data_set, "--sheet", tmp_path / "c.png", "--sheet-of", "val").exit_code == 0
    assert (tmp_path / "c.png").exists()


def test_scenes_are_in_the_page(data_set, tmp_path, monkeypatch):
    (tmp_path / "my_scenes_here.py").write_text("def f(photo):\n    return 'beach'\n")
    monkeypatch.chdir(tmp_path)
    result = _invoke(data_set, "--scenes", "my_scenes_here:f", "--html", tmp_path / "s.html")
    assert result.exit_code == 0
    assert "beach" in result.output
    assert "8 · 100.0%" in (tmp_path / "s.html").read_text()


def test_wrong_targets_fail_before_anything_is_counted(data_set, tmp_path):
    for option, value, message in (
        ("--json", tmp_path / "no" / "s.json", "does not exist"),
        ("--sheet-of", "test", "no RGBErased folder"),
        ("--scenes", "nothing", "no such classifier"),
    ):
        extra = ("--sheet", tmp_path / "x.png") if option == "--sheet-of" else ()
        result = _invoke(data_set, option, value, *extra)
        assert isinstance(result.exception, DeoccludeError)
        assert message in str(result.exception)
        assert "Table 1" not in result.output
    assert not list(tmp_path.iterdir())
