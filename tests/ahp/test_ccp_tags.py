import numpy as np
import pytest

from deocclude.ahp.ccp import TAG_TO_LIP, parsing_of, read_tags
from deocclude.errors import DeoccludeError
from deocclude.parsing import LIP_CLASSES

TAGS = ["null", "accessories", "bag", "hair", "jeans", "shoes", "skin", "t-shirt"]
NULL, ACCESSORIES, BAG, HAIR, JEANS, SHOES, SKIN, SHIRT = range(8)


def lip(name: str) -> int:
    return LIP_CLASSES.index(name)


def standing_tags(height: int = 121, width: int = 81) -> np.ndarray:
    """A front view: the person's own left is on the right of the photo."""
    tags = np.zeros((height, width), np.uint8)
    tags[6:14, 34:47] = HAIR
    tags[14:24, 36:45] = SKIN
    tags[24:60, 30:51] = SHIRT
    tags[26:58, 24:30] = SKIN
    tags[26:58, 51:57] = SKIN
    tags[60:90, 30:51] = JEANS
    tags[60:110, 40] = NULL
    tags[90:105, 31:39] = SKIN
    tags[90:105, 42:50] = SKIN
    tags[105:111, 29:39] = SHOES
    tags[105:111, 42:52] = SHOES
    tags[50:60, 57:68] = BAG
    return tags


def standing_landmarks() -> np.ndarray:
    points = np.zeros((33, 3), np.float32)
    points[:, 2] = 1
    right = {8: (36, 18), 10: (39, 21), 12: (30, 26), 14: (27, 40), 16: (27, 52), 20: (27, 57)}
    right |= {24: (34, 62), 26: (35, 85), 28: (35, 103), 30: (35, 107), 32: (31, 109)}
    for index, (x, y) in right.items():
        points[index, :2] = x, y
        points[index - 1, :2] = 81 - x, y
    points[0, :2] = 40.5, 17
    return points


def test_every_mapped_class_exists():
    assert set(TAG_TO_LIP.values()) < set(LIP_CLASSES)


def test_skin_and_shoes_are_split_by_the_persons_own_sides():
    parsing = parsing_of(standing_tags(), TAGS, standing_landmarks())
    assert (parsing[14:22, 38:43] == lip("face")).all()
    assert (parsing[30:55, 25:29] == lip("right-arm")).all()
    assert (parsing[30:55, 52:56] == lip("left-arm")).all()
    assert (parsing[92:104, 32:38] == lip("right-leg")).all()
    assert (parsing[92:104, 43:49] == lip("left-leg")).all()
    assert (parsing[106:110, 30:38] == lip("right-shoe")).all()
    assert (parsing[106:110, 43:51] == lip("left-shoe")).all()
    assert (parsing[60:89, 31:39] == lip("pants")).all()


def test_without_landmarks_sides_are_unlabelled():
    tags = standing_tags()
    parsing = parsing_of(tags, TAGS, None)
    assert (parsing[np.isin(tags, (SKIN, SHOES))] == 255).all()
    assert (parsing[tags == SHIRT] == lip("upper-clothes")).all()


@pytest.mark.parametrize(
    ("content", "words"),
    [('["null", "ski', "not valid JSON"), (None, "no such file"), ('["skin"]', "not a list of tag names")],
)
def test_malformed_tags_are_refused_in_one_line(tmp_path, content, words):
    if content is not None:
        (tmp_path / "tags.json").write_text(content)
    with pytest.raises(DeoccludeError, match=rf"tags\.json: {words}") as caught:
        read_tags(tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)
