"""A WebDriver client, small: one headless Chromium, real keys and a real pointer."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--window-size=1280,860",
]
SPECIAL = {"Enter": "\ue007", "Escape": "\ue00c", "Control": "\ue009", "Backspace": "\ue003"}
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


def missing() -> str | None:
    """Why no browser can be driven here, None if one can."""
    lacking = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    return f"{' and '.join(lacking)} not installed (Debian: chromium chromium-driver)" if lacking else None


class Browser:
    def __init__(self, profile: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        silent = subprocess.DEVNULL
        self._driver = subprocess.Popen(["chromedriver", f"--port={port}"], stdout=silent, stderr=silent)
        self._base = f"http://127.0.0.1:{port}/session"
        options = {"binary": shutil.which("chromium"), "args": [*FLAGS, f"--user-data-dir={profile}"]}
        wanted = {
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL"},
        }
        try:
            self.wait(lambda: self._call("GET", "/../status")["ready"], 20)
            session = self._call("POST", "", {"capabilities": {"alwaysMatch": wanted}})
        except BaseException:
            self._driver.kill()
            raise
        self._base += f"/{session['sessionId']}"

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        url = self._base.removesuffix("/session") + path[3:] if path.startswith("/..") else self._base + path
        data = json.dumps(body or {}).encode() if method == "POST" else None
        request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(json.load(error)["value"]["message"]) from None

    def open(self, url: str) -> None:
        self._call("POST", "/url", {"url": url})

    def run(self, script: str, *arguments: Any) -> Any:
        return self._call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def text(self, selector: str) -> str:
        return self.run("return document.querySelector(arguments[0]).textContent.trim()", selector)

    def visible(self, selector: str) -> bool:
        return self.run(
            "const e = document.querySelector(arguments[0]); return !!e && e.checkVisibility()", selector
        )

    def press(self, *keys: str, hold: str | None = None) -> None:
        """Presses keys one after the other, as a keyboard does; `hold` stays down meanwhile."""
        strokes = [("keyDown", SPECIAL[hold])] if hold else []
        for key in (SPECIAL.get(key, key) for key in keys):
            strokes += [("keyDown", key), ("keyUp", key)]
        strokes += [("keyUp", SPECIAL[hold])] if hold else []
        self._act("key", "board", [{"type": kind, "value": value} for kind, value in strokes])

    def drag(self, points: list[tuple[float, float]]) -> None:
        """Presses the left button at the first point of the window, moves along the others, lets go."""
        moves = [{"type": "pointerMove", "x": round(x), "y": round(y), "duration": 20} for x, y in points]
        down, up = ({"type": kind, "button": 0} for kind in ("pointerDown", "pointerUp"))
        self._act("pointer", "mouse", [moves[0], down, *moves[1:], up])

    def double_click(self, selector: str) -> None:
        box = self.run("const b = document.querySelector(arguments[0]).getBoundingClientRect();"
                       "return [b.x + b.width / 2, b.y + b.height / 2]", selector)  # fmt: skip
        down, up = ({"type": kind, "button": 0} for kind in ("pointerDown", "pointerUp"))
        move = {"type": "pointerMove", "x": round(box[0]), "y": round(box[1])}
        self._act("pointer", "mouse", [move, down, up, down, up])

    def _act(self, kind: str, name: str, actions: list[dict[str, Any]]) -> None:
        self._call("POST", "/actions", {"actions": [{"type": kind, "id": name, "actions": actions}]})

    def wait(self, condition: Any, seconds: float = 15) -> Any:
        """The condition's first true value. Raises AssertionError when the time is over."""
        end = time.monotonic() + seconds
        while True:
            try:
                if value := condition():
                    return value
            except (AssertionError, OSError):
                if time.monotonic() > end:
                    raise
            if time.monotonic() > end:
                raise AssertionError("the page did not get there in time")
            time.sleep(0.03)

    def new_tab(self, url: str) -> str:
        handle = self._call("POST", "/window/new", {"type": "tab"})["handle"]
        self.switch(handle)
        self.open(url)
        return handle

    def tab(self) -> str:
        return self._call("GET", "/window")

    def switch(self, handle: str) -> None:
        self._call("POST", "/window", {"handle": handle})

    def close_tab(self) -> None:
        self._call("DELETE", "/window")

    def complaints(self) -> list[str]:
        """What the page's console says at level SEVERE."""
        entries = self._call("POST", "/se/log", {"type": "browser"})
        return [entry["message"] for entry in entries if entry["level"] == "SEVERE"]

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self._call("GET", "/screenshot")))

    def quit(self) -> None:
        try:
            self._call("DELETE", "")
        finally:
            self._driver.terminate()
            self._driver.wait(10)
