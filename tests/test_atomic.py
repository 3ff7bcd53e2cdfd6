from pathlib import Path

import pytest

from deocclude.atomic import write_atomically


def test_a_small_file_is_written_whole_in_a_new_folder(tmp_path):
    path = tmp_path / "a" / "b" / "file"
    write_atomically(path, b"old")
    write_atomically(path, b"new\x00")
    assert path.read_bytes() == b"new\x00"
    assert list(path.parent.iterdir()) == [path]


def test_a_full_disk_leaves_the_old_file_alone(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    write = Path.write_bytes

    def fill_the_disk(self, content):
        write(self, content[:2])
        raise OSError("disk full")

    monkeypatch.setattr(Path, "write_bytes", fill_the_disk)
    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, b"newer")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
