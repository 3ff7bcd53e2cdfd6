"""Windows packed once are those that would have been made afresh."""

import json

import numpy as np
import pytest
import torch

from deocclude.ahp.batches import BatchSettings, CompositeDataset
from deocclude.ahp.packed import PackedWindows, pack
from deocclude.errors import DeoccludeError
from deocclude.parsing import mirror

SIZE = 64


def composites(root, stage="masks", seed=3):
    return CompositeDataset(root, "train", SIZE, seed, settings=BatchSettings(stage=stage, coloured=0.0))


@pytest.fixture(scope="module")
def packed(ahp_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("packed")
    assert pack(composites(ahp_folder), folder, 6) == 6
    return folder


def test_windows_come_back_once_a_round_maybe_mirrored(packed, ahp_folder):
    windows = PackedWindows.read([packed], "masks", SIZE)
    assert "finer" not in windows[0]
    made = [composites(ahp_folder).plain(index) for index in range(6)]
    for turn in range(3):
        seen = []
        for place in range(6):
            read = windows[6 * turn + place]
            for number, fresh in enumerate(made):
                for flip in (False, True):
                    masks = {name: fresh[name].flip(-1) if flip else fresh[name] for name in fresh}
                    if all(
                        torch.equal(read[name], masks[name])
                        for name in ("initial", "modal", "amodal", "known", "known_amodal", "invisible")
                    ):
                        seen.append(number)
                        parsing = fresh["parsing_amodal"].numpy().astype(np.uint8)
                        expected = mirror(parsing) if flip else parsing
                        assert np.array_equal(read["parsing_amodal"].numpy(), expected)
                        modal = read["modal"][0].numpy() > 0
                        assert np.array_equal(read["parsing_modal"].numpy(), np.where(modal, expected, 0))
                        assert (read["image"] - masks["image"]).abs().mean() < 0.06
        assert sorted(set(seen)) == list(range(6))


def test_windows_of_several_folders_come_in_the_same_rounds(packed, ahp_folder, tmp_path):
    pack(composites(ahp_folder, seed=4), tmp_path, 3)
    windows = PackedWindows.read([packed, tmp_path], "masks", SIZE)
    made = [composites(ahp_folder).plain(index) for index in range(6)]
    made += [composites(ahp_folder, seed=4).plain(index) for index in range(3)]
    for turn in range(2):
        seen = []
        for place in range(9):
            read = windows[9 * turn + place]["initial"]
            mirrored = read.flip(-1)
            fits = [
                torch.equal(read, one["initial"]) or torch.equal(mirrored, one["initial"]) for one in made
            ]
            assert sum(fits) == 1
            seen.append(fits.index(True))
        assert sorted(seen) == list(range(9))
    assert [one["seed"] for one in windows.about["packs"]] == [3, 4]


def test_larger_windows_are_looked_into_anew(packed, ahp_folder):
    windows = PackedWindows.read([packed], "masks", 32, seed=5)
    covered = []
    for index in range(60):
        read = windows[index]
        assert read["image"].shape == (3, 32, 32)
        assert read["finer"].shape == (3, SIZE, SIZE)
        shrunk = read["finer"].reshape(3, 32, 2, 32, 2).mean(dim=(2, 4))
        assert (read["image"] - shrunk).abs().max() < 1.5 / 255
        modal, amodal = read["modal"] > 0, read["amodal"] > 0
        assert not (modal & ~amodal).any()
        assert torch.equal(read["invisible"] > 0, amodal & ~modal)
        assert torch.equal(read["parsing_amodal"] > 0, amodal[0])
        assert torch.equal(read["parsing_modal"], read["parsing_amodal"] * modal[0])
        rows, columns = np.nonzero(read["amodal"][0].numpy())
        covered.append((max(np.ptp(rows), np.ptp(columns)) + 1) / 32)
    assert sum(share < 0.7 for share in covered) > 4, "no look with room for the hidden part"
    assert len(set(covered)) > 6
    assert torch.equal(windows[7]["image"], PackedWindows.read([packed], "masks", 32, seed=5)[7]["image"])


def test_the_content_stage_gets_the_original_too(ahp_folder, tmp_path):
    pack(composites(ahp_folder, "content"), tmp_path, 2)
    window = PackedWindows.read([tmp_path], "content", SIZE)[0]
    assert "finer" not in PackedWindows.read([tmp_path], "content", 32)[0]
    hidden = window["invisible"].expand(3, -1, -1) > 0
    assert window["original"].shape == (3, SIZE, SIZE)
    assert (window["original"] - window["image"])[~hidden].abs().mean() < 0.05
    assert (window["original"] - window["image"])[hidden].abs().mean() > 0.05


def test_who_stands_in_front_is_packed_too(ahp_folder, tmp_path):
    settings = BatchSettings(in_front=0.5, coloured=0)
    made = CompositeDataset(ahp_folder, "train", SIZE, 3, settings=settings)
    pack(made, tmp_path, 8)
    windows = PackedWindows.read([tmp_path], "masks", SIZE)
    read = [bool(windows[index]["in_front"]) for index in range(8)]
    expected = [bool(made.plain(index)["in_front"]) for index in range(8)]
    assert sorted(read) == sorted(expected)
    assert 0 < sum(read) < 8


def test_an_interrupted_pack_goes_on_with_the_same_bytes(packed, ahp_folder, tmp_path):
    (whole,) = packed.glob("windows-*.npz")
    assert pack(composites(ahp_folder), packed, 6) == 0
    assert pack(composites(ahp_folder), tmp_path, 6, workers=2) == 6
    assert (tmp_path / whole.name).read_bytes() == whole.read_bytes()


def test_other_settings_are_refused(packed, ahp_folder):
    with pytest.raises(DeoccludeError, match="other settings"):
        pack(composites(ahp_folder, seed=4), packed, 6)
    with pytest.raises(DeoccludeError, match="--stage content --size 64"):
        PackedWindows.read([packed], "content", SIZE)
    with pytest.raises(DeoccludeError, match="--stage masks --size 96"):
        PackedWindows.read([packed], "masks", 96)
    bare = CompositeDataset(ahp_folder, "train", SIZE, 3, settings=BatchSettings(coloured=0, unoccluded=0.5))
    with pytest.raises(DeoccludeError, match="other settings"):
        pack(bare, packed, 6)


def test_incomplete_and_damaged_folders_are_named(packed, tmp_path):
    with pytest.raises(DeoccludeError, match="deocclude ahp pack"):
        PackedWindows.read([tmp_path], "masks", SIZE)
    (tmp_path / "pack.json").write_text((packed / "pack.json").read_text())
    (tmp_path / "windows-00000.npz").write_bytes(b"no archive")
    with pytest.raises(DeoccludeError, match=r"windows-00000\.npz: unreadable"):
        PackedWindows.read([tmp_path], "masks", SIZE)
    about = json.loads((packed / "pack.json").read_text())
    assert about["count"] == 6
    (tmp_path / "pack.json").write_text(json.dumps({**about, "masks": about["masks"][:4]}))
    with pytest.raises(DeoccludeError, match="earlier version"):
        PackedWindows.read([tmp_path], "masks", SIZE)
