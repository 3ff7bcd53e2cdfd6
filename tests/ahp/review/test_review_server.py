from __future__ import annotations

import base64
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import running_page
from PIL import Image
from running_page import post
from running_review import Review

from deocclude.ahp.review.picture import window_of
from deocclude.ahp.review.server import page_files
from deocclude.ahp.review.workspace import Workspace

ADA = {"annotator": "ada", "client": "one"}


def get(
    review: Review, path: str, headers: dict[str, str] | None = None
) -> tuple[int, bytes, dict[str, str]]:
    return running_page.get(review.server.server_port, path, headers)


def taken(review: Review, count: int = 1, task: str = "judge") -> list[dict]:
    status, answer = post(review.url, "next", {**ADA, "count": count, "task": task})
    assert status == 200
    return answer["samples"]


def decision(sample: str, choice: str, token: str = "t") -> dict:
    return {**ADA, "token": token, "sample": sample, "decision": choice, "seconds": 1.25}


def test_the_page_comes_with_all_its_files_and_nothing_foreign(review: Review) -> None:
    status, _, headers = get(review, "/")
    assert status == 200
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    named = {
        name
        for _, content in page_files().values()
        for name in re.findall(r'"\.?(/[a-z]+\.(?:js|css|svg))"', content.decode())
    }
    assert {"/main.js", "/style.css", "/icon.svg", "/editor.js"} <= named
    for name in named:
        assert get(review, name)[0] == 200
    for _, content in page_files().values():
        addresses = set(re.findall(r"https?://[^\s\"'`)]+", content.decode()))
        assert addresses <= {"http://www.w3.org/2000/svg"}


@pytest.mark.parametrize(
    "path",
    ["/../server.py", "/%2e%2e/server.py", "/page/../../server.py", "/photo/../../etc/passwd", "/etc/passwd",
     "/photo/%2Fetc%2Fpasswd.jpg", "/mask/..%2Fcandidates.png", "/photo/made-000.png", "/photo/", "/nothing",
     "/photo/made-999.jpg", "//etc/passwd", "/photo/made-000.jpg/"],
)  # fmt: skip
def test_nothing_else_can_be_read(review: Review, path: str) -> None:
    status, content, _ = get(review, path)
    assert status == 404
    assert b"error" in content


def test_photo_and_mask_are_the_window_of_the_candidate(review: Review) -> None:
    candidate = review.server.api.candidate("made-002")
    left, top, right, bottom = window_of(candidate)
    assert candidate.mask is not None
    status, content, headers = get(review, "/mask/made-002.png")
    assert (status, headers["Content-Type"]) == (200, "image/png")
    assert (np.array(Image.open(io.BytesIO(content))) == candidate.mask[top:bottom, left:right] * 255).all()
    for path in ("/photo/made-002.jpg", "/native/made-002.jpg"):
        status, content, headers = get(review, path)
        assert (status, headers["Content-Type"]) == (200, "image/jpeg")
        shown = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
        original = review.workspace.photo_of(candidate)[top:bottom, left:right]
        assert shown.shape == original.shape
        assert np.abs(shown.astype(int) - original).mean() < 12
    (sample,) = [one for one in taken(review, 9) if one["id"] == "made-002"]
    assert (sample["width"], sample["height"]) == (right - left, bottom - top)


def test_a_damaged_photo_is_explained(review: Review) -> None:
    review.server.api.candidate("made-003").photo.write_bytes(b"")
    status, content, _ = get(review, "/native/made-003.jpg")
    assert status == 422
    assert "photo-3.png" in json.loads(content)["error"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"Host": "evil.example"}, 421), ({"Host": "evil.example:{port}"}, 421), ({"Host": "127.0.0.1:1"}, 421),
     ({"Host": ""}, 421), ({"Host": "localhost:{port}"}, 200), ({"Host": "127.0.0.1:{port}"}, 200),
     ({"Origin": "http://evil.example"}, 403), ({"Origin": "null"}, 403),
     ({"Origin": "http://127.0.0.1:{port}"}, 200), ({"Origin": "http://127.0.0.1:1"}, 403)],
)  # fmt: skip
def test_other_hosts_and_origins_are_refused(review: Review, headers: dict, status: int) -> None:
    port = str(review.server.server_port)
    headers = {name: value.replace("{port}", port) for name, value in headers.items()}
    assert get(review, "/", headers)[0] == status
    if "Origin" in headers:
        (sample,) = taken(review)
        assert post(review.url, "decide", decision(sample["id"], "discard"), headers)[0] == status
        assert len(review.decisions()) == (status == 200)


def test_only_json_is_taken(review: Review) -> None:
    (sample,) = taken(review)
    body = decision(sample["id"], "discard")
    assert post(review.url, "decide", body, {"Content-Type": "text/plain"})[0] == 415
    assert post(review.url, "decide", [1, 2])[0] == 400
    assert post(review.url, "shutdown", body)[0] == 404
    assert post(review.url, "../decide", body)[0] == 404
    assert review.decisions() == []


@pytest.mark.parametrize(
    "change",
    [{"decision": "maybe"}, {"decision": None}, {"token": ""}, {"token": 3}, {"seconds": -1},
     {"seconds": "1"}, {"seconds": float("nan")}, {"annotator": ""}, {"annotator": "auto"},
     {"annotator": "a\x00"}, {"client": None}, {"sample": None}, {"annotator": "x" * 999}],
)  # fmt: skip
def test_malformed_decisions_are_refused(review: Review, change: dict) -> None:
    (sample,) = taken(review)
    status, answer = post(review.url, "decide", decision(sample["id"], "discard") | change)
    assert status == 400
    assert answer["error"]
    assert review.decisions() == []


def test_unknown_samples_are_not_found(review: Review) -> None:
    assert post(review.url, "decide", decision("made-999", "discard"))[0] == 404
    assert post(review.url, "skip", {**ADA, "sample": "../x"})[0] == 404


def test_a_decision_is_answered_with_progress(review: Review) -> None:
    (sample,) = taken(review)
    status, answer = post(review.url, "decide", decision(sample["id"], "refine"))
    assert status == 200
    assert answer["progress"] == {
        "samples": 9, "judged": 1, "wanted": 9, "mine": 1, "to_refine": 1, "seconds": 1.25
    }  # fmt: skip
    assert post(review.url, "undo", {**ADA, "token": "t"})[1]["sample"]["id"] == sample["id"]
    assert review.decisions() == []


def png_of(mask: np.ndarray) -> str:
    picture = io.BytesIO()
    rgba = np.zeros((*mask.shape, 4), np.uint8)
    rgba[mask] = (255, 46, 147, 255)
    Image.fromarray(rgba).save(picture, "PNG")
    return base64.b64encode(picture.getvalue()).decode()


def to_refine(review: Review) -> tuple[str, np.ndarray, tuple[int, int, int, int]]:
    (sample,) = taken(review)
    post(review.url, "decide", decision(sample["id"], "refine"))
    (again,) = taken(review, 3, "refine")
    assert again["id"] == sample["id"]
    candidate = review.server.api.candidate(sample["id"])
    assert candidate.mask is not None
    return candidate.id, candidate.mask, window_of(candidate)


def test_a_mended_mask_is_saved_and_the_first_one_kept(review: Review) -> None:
    sample, mask, (left, top, right, bottom) = to_refine(review)
    mended = mask.copy()
    mended[top + 3 : top + 9, left + 2 : left + 12] ^= True
    body = {
        **ADA,
        "sample": sample,
        "token": "m",
        "seconds": 9,
        "png": png_of(mended[top:bottom, left:right]),
    }
    assert post(review.url, "mask", body)[1]["progress"]["to_refine"] == 0
    root = review.workspace.root
    stored = root / "masks" / f"{sample}.png"
    assert (np.array(Image.open(stored)) == mended * 255).all()
    assert (np.array(Image.open(root / "masks-before" / f"{sample}.png")) == mask * 255).all()
    time = stored.stat().st_mtime_ns
    assert post(review.url, "mask", body)[0] == 200
    assert stored.stat().st_mtime_ns == time
    assert post(review.url, "mask", body | {"token": "other"})[0] == 409
    assert taken(review, 3, "refine") == []
    assert post(review.url, "undo", {**ADA, "task": "refine", "token": "m"})[1]["sample"]["id"] == sample
    assert (
        post(review.url, "mask", body | {"token": "m2", "png": png_of(mask[top:bottom, left:right])})[0]
        == 200
    )
    assert (np.array(Image.open(stored)) == mask * 255).all()
    assert (np.array(Image.open(root / "masks-before" / f"{sample}.png")) == mask * 255).all()


@pytest.mark.parametrize("kind", ["size", "empty", "text", "none"])
def test_malformed_masks_are_refused(review: Review, kind: str) -> None:
    sample, mask, (left, top, right, bottom) = to_refine(review)
    window = mask[top:bottom, left:right]
    png = {"size": png_of(window[1:]), "empty": png_of(window & False), "text": "bm8=", "none": None}[kind]
    status, _ = post(review.url, "mask", {**ADA, "sample": sample, "token": "m", "seconds": 9, "png": png})
    assert status == 400
    assert not (review.workspace.root / "masks").exists()


def start(root: Path) -> tuple[subprocess.Popen[str], str]:
    command = [sys.executable, "-m", "deocclude", "ahp", "review", str(root), "--port", "0"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    )
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(r"http://\S+", line):
            return process, found.group()
    raise AssertionError("the server did not start")


def test_a_killed_server_loses_nothing(
    make_workspace: Callable[[Path, int], Workspace], tmp_path: Path
) -> None:
    make_workspace(tmp_path, 60)
    process, url = start(tmp_path)
    acknowledged: list[dict] = []
    sent: list[dict] = []
    enough = threading.Event()

    def judge(name: str) -> None:
        who = {"annotator": name, "client": name}
        try:
            while True:
                for sample in post(url, "next", {**who, "count": 2})[1]["samples"]:
                    body = {
                        **who,
                        "token": f"{name}-{sample['id']}",
                        "sample": sample["id"],
                        "decision": "discard",
                    }
                    sent.append(body | {"seconds": 1})
                    if post(url, "decide", sent[-1])[0] == 200:
                        acknowledged.append(body)
                    if len(acknowledged) >= 15:
                        enough.set()
        except OSError:
            return

    threads = [threading.Thread(target=judge, args=(f"p{number}",)) for number in range(3)]
    for thread in threads:
        thread.start()
    assert enough.wait(60)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    for thread in threads:
        thread.join()
    process, url = start(tmp_path)
    try:
        for body in sent:
            status, answer = post(url, "decide", body)
            assert status == 200
            known = any(one["token"] == body["token"] for one in acknowledged)
            assert answer["outcome"] == "repeated" or not known
        state = post(url, "state", {"annotator": "p0", "client": "new"})[1]
        assert state["judged"] == len(sent)
        left = post(url, "next", {"annotator": "new", "client": "new", "count": 32})[1]["samples"]
        assert not {sample["id"] for sample in left} & {body["sample"] for body in sent}
    finally:
        process.terminate()
        assert process.wait(20) == 0
