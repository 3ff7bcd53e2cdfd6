import numpy as np
import pytest
import scipy.io

from deocclude.ahp.acquire import matlab
from deocclude.ahp.acquire.registry import open_sources
from deocclude.ahp.acquire.sbd import Sbd
from deocclude.ahp.acquire.voc import Voc
from deocclude.errors import DeoccludeError

HEIGHT, WIDTH = 61, 83
PERSON, DOG, VOID = 15, 12, 255


def xml(objects, width=WIDTH, height=HEIGHT):
    text = "".join(
        f"<object><name>{name}</name><bndbox><xmin>{a}</xmin><ymin>{b}</ymin><xmax>{c}</xmax><ymax>{d}</ymax>"
        "</bndbox></object>"
        for name, a, b, c, d in objects
    )
    return f"<annotation><size><width>{width}</width><height>{height}</height></size>{text}</annotation>"


@pytest.fixture
def voc(tmp_path, photo, indexed):
    root = tmp_path / "VOCdevkit" / "VOC2012"
    instances = np.zeros((HEIGHT, WIDTH), np.uint8)
    instances[10:40, 10:25], instances[20:50, 30:60], instances[5:9, 70:80] = 1, 2, 3
    classes = np.select([np.isin(instances, [1, 3]), instances == 2], [PERSON, DOG], 0)
    instances[9, 10:25] = classes[9, 10:25] = VOID
    indexed(root / "SegmentationObject" / "2007_000032.png", instances)
    indexed(root / "SegmentationClass" / "2007_000032.png", classes)
    (root / "Annotations").mkdir()
    for name in ("2007_000032", "2008_000001", "2008_000002", "2008_000003"):
        photo(root / "JPEGImages" / f"{name}.jpg", HEIGHT, WIDTH)
    (root / "Annotations" / "2007_000032.xml").write_text(xml([("person", 11, 11, 25, 40)]))
    return root


def test_masks_come_from_the_instances_of_class_person(voc, read):
    kept, dropped = read(Voc(voc.parent.parent))
    assert dropped == []
    assert set(kept) == {"voc-2007_000032-1", "voc-2007_000032-3"}
    first = kept["voc-2007_000032-1"]
    assert first.box == (10, 10, 25, 40)
    assert first.mask.sum() == 15 * 30
    assert first.others == ((30, 20, 60, 50), (70, 5, 80, 9))


def test_boxes_count_pixels_from_one_and_damage_is_dropped(voc, read):
    objects = [("person", 1, 11, 25, 40), ("dog", 30, 20, 60, 50), ("person", 40, 40, 30, 50)]
    objects += [("person", 40, 40, 99, 50), ("person", "x", 40, 60, 50)]
    (voc / "Annotations" / "2008_000001.xml").write_text(xml(objects))
    (voc / "Annotations" / "2008_000002.xml").write_text("<annotation>\n<object></annotation>")
    (voc / "Annotations" / "2008_000003.xml").write_text(xml([("person", 11, 11, 25, 40)], width=999))
    (voc / "Annotations" / "2008_000009.xml").write_text(xml([("person", 11, 11, 25, 40)]))
    (voc / "SegmentationClass" / "2007_000032.png").unlink()
    kept, dropped = read(Voc(voc))
    (one,) = kept.values()
    assert one.id == "voc-2008_000001-box1"
    assert one.box == (0, 10, 25, 40)
    assert one.others == ((29, 19, 60, 50),)
    assert {d.id: d.reason for d in dropped} == {
        "voc-2007_000032": "mask missing",
        "voc-2008_000001-box3": "box without area",
        "voc-2008_000001-box4": "box outside the photo",
        "voc-2008_000001-box5": "malformed box",
        "voc-2008_000002": "broken XML",
        "voc-2008_000003-box1": "photo of another size",
        "voc-2008_000009-box1": "photo missing",
    }
    assert "line 2" in next(d.where for d in dropped if d.reason == "broken XML")


def write_sbd(root, name, instances, categories):
    inst = np.empty((1, 1), dtype=[("Segmentation", object), ("Boundaries", object), ("Categories", object)])
    inst[0, 0] = (
        instances,
        np.zeros((len(categories), 1), np.uint8),
        np.array(categories, np.uint8)[:, None],
    )
    (root / "inst").mkdir(parents=True, exist_ok=True)
    scipy.io.savemat(root / "inst" / f"{name}.mat", {"GTinst": inst}, do_compression=True)


@pytest.fixture
def sbd(tmp_path, photo):
    root = tmp_path / "benchmark_RELEASE" / "dataset"
    instances = np.zeros((HEIGHT, WIDTH), np.uint8)
    instances[10:40, 10:25], instances[20:50, 30:60] = 1, 2
    for name in ("2008_000001", "2007_000032"):
        write_sbd(root, name, instances, [PERSON, DOG])
        photo(root / "img" / f"{name}.jpg", HEIGHT, WIDTH)
    return root


def test_sbd_reads_its_struct(sbd, read):
    kept, dropped = read(Sbd(sbd.parent.parent))
    assert dropped == []
    assert set(kept) == {"sbd-2007_000032-1", "sbd-2008_000001-1"}
    one = kept["sbd-2008_000001-1"]
    assert one.mask.sum() == 15 * 30
    assert one.others == ((30, 20, 60, 50),)


def test_damaged_matlab_files_are_dropped(sbd, photo, read):
    whole = (sbd / "inst" / "2008_000001.mat").read_bytes()
    (sbd / "inst" / "2008_000001.mat").write_bytes(whole[: len(whole) // 2])
    (sbd / "inst" / "2007_000032.mat").write_bytes(b"no matlab file at all" * 20)
    scipy.io.savemat(sbd / "inst" / "a.mat", {"other": 1})
    write_sbd(sbd, "b", np.full((4, 4), 3, np.uint8), [PERSON])
    write_sbd(sbd, "c", np.ones((30, 30), np.uint8), [PERSON])
    write_sbd(sbd, "d", np.ones((HEIGHT, WIDTH), np.uint8), [PERSON])
    photo(sbd / "img" / "c.jpg", HEIGHT, WIDTH)
    kept, dropped = read(Sbd(sbd))
    assert kept == {}
    assert {d.id: d.reason for d in dropped} == {
        "sbd-2007_000032": "broken MATLAB file",
        "sbd-2008_000001": "broken MATLAB file",
        "sbd-a": "broken MATLAB file",
        "sbd-b": "malformed mask",
        "sbd-c": "mask of another size",
        "sbd-d": "photo missing",
    }


def test_together_they_share_their_photos_out(voc, sbd, read):
    (voc / "Annotations" / "2008_000001.xml").write_text(xml([("person", 11, 11, 25, 40)]))
    found = {}
    for source in open_sources({"voc": voc, "sbd": sbd}):
        found |= read(source)[0]
    assert set(found) == {"voc-2007_000032-1", "voc-2007_000032-3", "sbd-2008_000001-1"}


def test_sbd_without_scipy_says_what_to_install(sbd, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "scipy.io", None)
    with pytest.raises(DeoccludeError, match="pip install scipy"):
        matlab.require_scipy(sbd)


@pytest.mark.parametrize("name", ["voc", "sbd"])
def test_another_folder_is_one_line(tmp_path, name):
    with pytest.raises(DeoccludeError, match=f"point --{name}"):
        open_sources({name: tmp_path})
