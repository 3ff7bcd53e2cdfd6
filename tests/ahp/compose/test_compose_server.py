from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from running_compose import Compose, over
from running_page import get, post
from typer.testing import CliRunner

from deocclude.ahp.compose.library import Library
from deocclude.ahp.compose.server import page_files
from deocclude.cli.ahp import app
from deocclude.errors import DeoccludeError

ADA = {"annotator": "ada", "client": "one"}
Make = Callable[..., Compose]


def test_the_page_comes_with_all_its_files_and_nothing_foreign(make_compose: Make) -> None:
    port = make_compose().server.server_port
    named = {
        name
        for _, content in page_files().values()
        for name in re.findall(r'"\.?(/[a-z]+\.(?:js|css|svg))"', content.decode())
    }
    assert {"/main.js", "/base.css", "/style.css", "/queue.js", "/composer.js"} <= named
    for name in named:
        assert get(port, name)[0] == 200
    for _, content in page_files().values():
        assert set(re.findall(r"https?://[^\s\"'`)]+", content.decode())) <= {"http://www.w3.org/2000/svg"}


def test_pictures(make_compose: Make, library: Library) -> None:
    compose = make_compose()
    port = compose.server.server_port
    status, content, headers = get(port, "/person/ccp-002.jpg")
    assert (status, headers["Content-Type"]) == (200, "image/jpeg")
    photo = library.person("ccp-002").photo
    assert np.abs(np.array(Image.open(io.BytesIO(content))).astype(int) - photo).mean() < 6
    cutout = library.occluder("coco-train-2")
    rgba = np.array(Image.open(io.BytesIO(get(port, "/cutout/coco-train-2.png")[1])))
    assert np.array_equal(rgba[..., 3] > 0, cutout.mask)
    assert np.array_equal(rgba[cutout.mask][:, :3], cutout.image[cutout.mask])
    thumb = Image.open(io.BytesIO(get(port, "/thumb/person-ccp-002.png")[1]))
    assert max(thumb.size) == 104
    body = {**ADA, "token": "t", "seconds": 1, **over(library, "ccp-002")}
    assert get(port, "/composite/ccp-002-0.jpg")[0] == 404
    assert post(compose.url, "save", body)[0] == 200
    content = get(port, "/composite/ccp-002-0.jpg")[1]
    assert content == (compose.work / "composites" / "RGBErased" / "ccp-002-0.jpg").read_bytes()
    (compose.work / "composites" / "RGBErased" / "ccp-002-0.jpg").unlink()
    assert get(port, "/composite/ccp-002-0.jpg")[0] == 422
    post(compose.url, "undo", {**ADA, "task": "compose"})
    assert get(port, "/composite/ccp-002-0.jpg")[0] == 404


@pytest.mark.parametrize(
    "path",
    ["/../server.py", "/%2e%2e/server.py", "/person/..%2F..%2Fetc%2Fpasswd.jpg", "/person/ccp-002.png",
     "/person/ccp-002", "/cutout/person-nobody.png", "/composite/..%2Fcompose.sqlite.jpg", "/nothing", "//x"],
)  # fmt: skip
def test_nothing_else_can_be_read(make_compose: Make, path: str) -> None:
    status, content, _ = get(make_compose().server.server_port, path)
    assert status == 404
    assert b"error" in content


def test_other_pages_and_hosts_are_refused(make_compose: Make) -> None:
    compose = make_compose()
    assert get(compose.server.server_port, "/", {"Host": "evil.example"})[0] == 421
    assert post(compose.url, "state", ADA, {"Origin": "http://evil.example"})[0] == 403
    assert post(compose.url, "state", ADA, {"Content-Type": "text/plain"})[0] == 415
    status, answer = post(compose.url, "save", {**ADA, "token": "t", "seconds": 1})
    assert status == 400
    assert "sample" in answer["error"]


def start(folder: Path, out: Path) -> tuple[subprocess.Popen[str], str]:
    command = [sys.executable, "-m", "deocclude", "ahp", "compose", str(folder), "--out", str(out)]
    process = subprocess.Popen(
        [*command, "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(r"http://\S+", line):
            return process, found.group()
    raise AssertionError("the server did not start")


def test_a_killed_server_loses_nothing(folder: Path, library: Library, tmp_path: Path) -> None:
    out = tmp_path / "test-set"
    process, url = start(folder, out)
    acknowledged: list[str] = []
    enough = threading.Event()

    def compose(name: str) -> None:
        who, number = {"annotator": name, "client": name}, 0
        try:
            while True:
                number += 1
                person = f"ccp-00{2 * (number % 3)}"
                token = f"{name}-{number}"
                body = {**who, "token": token, "seconds": 1, **over(library, person)}
                if post(url, "save", body)[0] == 200:
                    acknowledged.append(token)
                if len(acknowledged) >= 8:
                    enough.set()
        except OSError:
            return

    threads = [threading.Thread(target=compose, args=(f"p{number}",)) for number in range(3)]
    for thread in threads:
        thread.start()
    assert enough.wait(60)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    for thread in threads:
        thread.join()
    process, url = start(folder, out)
    try:
        for token in acknowledged:
            body = {"annotator": token[:2], "client": "new", "token": token, "seconds": 1}
            status, answer = post(url, "save", body | over(library, "ccp-000"))
            assert (status, answer["outcome"]) == (200, "repeated")
        state = post(url, "state", ADA)[1]
        assert len(acknowledged) <= state["composites"] <= len(acknowledged) + 3
    finally:
        process.terminate()
        assert process.wait(30) == 0


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, ["compose", *map(str, arguments)])
    if result.exception is not None:
        raise result.exception
    return result.output


def test_export_by_the_command(make_compose: Make, folder: Path, library: Library, tmp_path: Path) -> None:
    compose = make_compose()
    for person in ("ccp-000", "ccp-002"):
        post(compose.url, "save", {**ADA, "token": person, "seconds": 1, **over(library, person)})
        vote = {"annotator": "bob", "client": "b", "token": f"b-{person}", "seconds": 1}
        assert post(compose.url, "decide", vote | {"sample": f"{person}-0", "decision": "pass"})[0] == 200
    out, work = tmp_path / "out", compose.work
    output = run(folder, "--out", out, "--work", work, "--votes", 1, "--export")
    assert f"2 passed, in {out}; 0 failed, 0 wait for votes" in output
    with pytest.raises(DeoccludeError, match="no composite has passed yet"):
        run(folder, "--out", out, "--work", work, "--votes", 2, "--export")
    assert (out / "test" / "RGBErased" / "ccp-000-0.jpg").exists()
    with pytest.raises(DeoccludeError, match=r"other\.work/compose.sqlite: no such file"):
        run(folder, "--out", tmp_path / "other", "--export")
    with pytest.raises(DeoccludeError, match="no train/JPEGImages"):
        run(tmp_path / "nowhere", "--out", out)
    assert not (tmp_path / "out.work").exists()
