import io

import numpy as np
from PIL import Image

from deocclude.parsing import (
    LIP_CLASSES,
    LIP_PALETTE,
    NUM_CLASSES,
    NUM_PARTS,
    UNLABELLED,
    mirror,
    to_palette_image,
)


def test_lip_has_twenty_classes_in_twenty_colours():
    assert NUM_CLASSES == len(LIP_CLASSES) == 20
    assert NUM_PARTS == 19
    assert LIP_CLASSES[0] == "background"
    assert len({tuple(colour) for colour in LIP_PALETTE}) == 20


def test_mirror_swaps_sides():
    parsing = np.array([[14, 16, 18, 13], [0, 5, UNLABELLED, 19]], np.uint8)
    np.testing.assert_array_equal(mirror(parsing), [[13, 19, 17, 15], [18, UNLABELLED, 5, 0]])
    np.testing.assert_array_equal(mirror(mirror(parsing)), parsing)


def test_mirror_changes_left_and_right_names_only():
    for index, name in enumerate(LIP_CLASSES):
        other = LIP_CLASSES[mirror(np.array([[index]], np.uint8))[0, 0]]
        swapped = {"left": "right", "right": "left"}.get(name.split("-")[0])
        assert other == (f"{swapped}-{name.split('-')[1]}" if swapped else name)


def test_palette_png_keeps_indices_and_colours():
    parsing = np.array([[0, 1, 19], [13, 5, UNLABELLED]], np.uint8)
    file = io.BytesIO()
    to_palette_image(parsing).save(file, format="PNG")
    image = Image.open(file)
    assert image.mode == "P"
    np.testing.assert_array_equal(np.array(image), parsing)
    colours = np.array(image.convert("RGB"))
    np.testing.assert_array_equal(colours[0, 2], LIP_PALETTE[19])
    np.testing.assert_array_equal(colours[1, 2], (128, 128, 128))
