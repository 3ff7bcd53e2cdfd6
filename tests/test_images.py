import numpy as np
import pytest
from PIL import Image

from deocclude.errors import DeoccludeError
from deocclude.images import load_photo, save_png

SIDE = 24


def ramp(dtype, top):
    return np.linspace(0, top, SIDE * SIDE).reshape(SIDE, SIDE).astype(dtype)


def expect_grey(photo, expected):
    assert photo.dtype == np.uint8
    assert photo.shape == (SIDE, SIDE, 3)
    np.testing.assert_array_equal(photo[..., 0], photo[..., 2])
    np.testing.assert_allclose(photo[..., 1].astype(int), expected, atol=1)


def test_rgb_comes_back_as_it_is(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (31, 47, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    for source in (tmp_path / "a.png", str(tmp_path / "a.png"), Image.fromarray(pixels), pixels):
        np.testing.assert_array_equal(load_photo(source), pixels)


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "YCbCr", "HSV", "LAB", "RGBX"])
def test_other_modes_become_rgb(mode):
    image = Image.new("RGB", (20, 30), (200, 120, 40)).convert(mode)
    photo = load_photo(image)
    assert photo.shape == (30, 20, 3)
    assert photo.dtype == np.uint8
    if mode in ("CMYK", "YCbCr", "HSV", "RGBX"):
        np.testing.assert_allclose(photo[0, 0].astype(int), (200, 120, 40), atol=6)


def test_cmyk_jpeg(tmp_path):
    Image.new("CMYK", (32, 32), (0, 255, 255, 0)).save(tmp_path / "a.jpg")
    np.testing.assert_allclose(load_photo(tmp_path / "a.jpg")[5, 5].astype(int), (255, 0, 0), atol=6)


def test_one_bit():
    photo = load_photo(Image.fromarray(ramp(np.float32, 1) > 0.5))
    assert set(np.unique(photo)) == {0, 255}


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
def test_16_bit_grey_is_scaled(tmp_path, suffix):
    values = ramp(np.uint16, 65535)
    Image.fromarray(values).save(tmp_path / f"a.{suffix}")
    expect_grey(load_photo(tmp_path / f"a.{suffix}"), values / 257)


def test_16_bit_rgb_is_scaled(tmp_path):
    import cv2

    values = np.random.default_rng(1).integers(0, 65536, (SIDE, SIDE, 3)).astype(np.uint16)
    for suffix in ("png", "tif"):
        cv2.imwrite(str(tmp_path / f"a.{suffix}"), values[..., ::-1])
        photo = load_photo(tmp_path / f"a.{suffix}")
        np.testing.assert_allclose(photo.astype(int), values / 257, atol=1)


@pytest.mark.parametrize("top", [1, 255, 65535])
def test_float_tiff_is_scaled(tmp_path, top):
    values = ramp(np.float32, top)
    Image.fromarray(values).save(tmp_path / "a.tif")
    expect_grey(load_photo(tmp_path / "a.tif"), values * (255 / top))


@pytest.mark.parametrize("worst", [np.nan, -1.0, 1e9])
def test_float_tiff_without_a_scale_is_refused(tmp_path, worst):
    values = ramp(np.float32, 1)
    values[0, 0] = worst
    Image.fromarray(values).save(tmp_path / "a.tif")
    expect_error(tmp_path / "a.tif", "8 or 16 bits")


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_transparency_is_laid_over_white(mode):
    image = Image.new("RGBA", (20, 20), (0, 0, 0, 255))
    image.paste((0, 0, 0, 0), (0, 0, 10, 20))
    image.paste((0, 0, 0, 128), (0, 0, 20, 5))
    photo = load_photo(image.convert(mode))
    assert (photo[10, 5] == 255).all()
    assert (photo[10, 15] == 0).all()
    np.testing.assert_allclose(photo[2, 15].astype(int), 127, atol=1)


def test_transparent_palette_colour_is_white(tmp_path):
    image = Image.new("P", (20, 20), 3)
    image.putpalette([0, 0, 0, 10, 10, 10, 20, 20, 20, 255, 0, 0])
    image.save(tmp_path / "a.png", transparency=3)
    assert (load_photo(tmp_path / "a.png") == 255).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(tmp_path, orientation):
    upright = np.zeros((40, 64, 3), np.uint8)
    upright[:20, :32] = 255
    undo = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}[orientation]
    stored = Image.fromarray(upright)
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
    if undo != 1:
        stored = stored.transpose(turns[undo])
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "a.jpg", exif=exif, quality=100)
    np.testing.assert_allclose(load_photo(tmp_path / "a.jpg").astype(int), upright, atol=12)


def expect_error(source, *words):
    with pytest.raises(DeoccludeError) as caught:
        load_photo(source)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message


def test_what_is_no_photo_is_refused_in_one_line(tmp_path):
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("not a photo\n" * 100)
    (tmp_path / "zeros.png").write_bytes(bytes(5000))
    expect_error(tmp_path / "empty.jpg", "empty.jpg", "empty")
    expect_error(tmp_path / "text.jpg", "text.jpg", "convert")
    expect_error(tmp_path / "zeros.png", "zeros.png", "convert")
    expect_error(tmp_path / "missing.jpg", "missing.jpg", "no such file")
    expect_error(tmp_path, str(tmp_path), "folder")


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp", "gif", "bmp"])
@pytest.mark.parametrize("kept", [0.02, 0.3, 0.7])
def test_truncated_files_are_refused(tmp_path, suffix, kept):
    pixels = np.random.default_rng(2).integers(0, 256, (120, 90, 3), dtype=np.uint8)
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(pixels).save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    expect_error(path, path.name)


def test_tiny_photos_are_refused(tmp_path):
    Image.new("RGB", (1, 1)).save(tmp_path / "a.png")
    expect_error(tmp_path / "a.png", "a.png", "1x1 image")
    expect_error(np.zeros((15, 400, 3), np.uint8), "400x15")
    assert load_photo(np.zeros((16, 16, 3), np.uint8)).shape == (16, 16, 3)


@pytest.mark.parametrize(
    "array",
    [np.zeros((20, 20)), np.zeros((20, 20, 3)), np.zeros((20, 20, 4), np.uint8), np.zeros(9, np.uint8)],
)
def test_other_arrays_are_refused(array):
    expect_error(array, "uint8 HxWx3")


def test_photos_beyond_pillows_limit_are_read_and_absurd_ones_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    Image.new("1", (200, 99)).save(tmp_path / "large.png")
    assert load_photo(tmp_path / "large.png").shape == (99, 200, 3)
    Image.new("1", (20000, 10100)).save(tmp_path / "absurd.png")
    expect_error(tmp_path / "absurd.png", "20000x10100", "resize")
    assert Image.MAX_IMAGE_PIXELS == 1000


def test_save_png_round_trip(tmp_path):
    rng = np.random.default_rng(3)
    for name, array in (
        ("rgb", rng.integers(0, 256, (13, 17, 3), dtype=np.uint8)),
        ("rgba", rng.integers(0, 256, (13, 17, 4), dtype=np.uint8)),
        ("grey", rng.integers(0, 256, (13, 17), dtype=np.uint8)),
    ):
        save_png(array, tmp_path / f"{name}.png")
        np.testing.assert_array_equal(np.array(Image.open(tmp_path / f"{name}.png")), array)
    mask = rng.random((13, 17)) > 0.5
    save_png(mask, tmp_path / "mask.png")
    np.testing.assert_array_equal(np.array(Image.open(tmp_path / "mask.png")), mask * np.uint8(255))


def test_save_png_keeps_the_old_file_when_the_disk_is_full(tmp_path, monkeypatch):
    from pathlib import Path

    path = tmp_path / "a.png"
    save_png(np.zeros((4, 4), np.uint8), path)
    before = path.read_bytes()

    def full(self, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        save_png(np.ones((4, 4), np.uint8), path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]
