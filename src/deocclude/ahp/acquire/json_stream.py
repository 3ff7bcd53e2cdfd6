"""The items of a large JSON file's arrays, one at a time: Objects365's do not fit in memory."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, TextIO

_CHUNK = 1 << 20
_LARGEST_VALUE = 1 << 26


class BrokenJson(Exception):
    """The file is not JSON from some place on. The message names the place."""


def array_items(path: Path, keys: Collection[str]) -> Iterator[tuple[str, Any]]:
    """(key, item) of the arrays that stand under `keys` at the top of a JSON object, in the file's order.

    Everything else is skipped. What comes before a damage is yielded; then BrokenJson is raised, as it is
    for a file that holds no object. OSError passes.
    """
    with path.open(encoding="utf-8") as stream:
        text = _Text(stream)
        try:
            yield from _object(text, keys)
        except (ValueError, RecursionError) as error:
            reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
            raise BrokenJson(f"line {text.line}, character {text.position}: {reason}") from None


def _object(text: _Text, keys: Collection[str]) -> Iterator[tuple[str, Any]]:
    text.take("{")
    if text.peek() == "}":
        return
    while True:
        key = text.value()
        if not isinstance(key, str):
            raise ValueError("a key is not a string")
        text.take(":")
        if text.peek() == "[":
            text.take("[")
            while text.peek() != "]":
                item = text.value()
                if key in keys:
                    yield key, item
                if text.take(",]") == "]":
                    break
            else:
                text.take("]")
        else:
            text.value()
        if text.take(",}") == "}":
            return


class _Text:
    """A window on the file's text."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._decoder = json.JSONDecoder()
        self._buffer, self._at, self._passed, self._lines = "", 0, 0, 1

    @property
    def position(self) -> int:
        return self._passed + self._at

    @property
    def line(self) -> int:
        return self._lines + self._buffer.count("\n", 0, self._at)

    def _more(self) -> bool:
        chunk = self._stream.read(_CHUNK)
        if not chunk:
            return False
        self._lines += self._buffer.count("\n", 0, self._at)
        self._passed += self._at
        self._buffer, self._at = self._buffer[self._at :] + chunk, 0
        return True

    def _may_go_on(self, end: int) -> bool:
        """Whether the value that ends there may be the head of a longer number."""
        rest = self._buffer[end : end + 3]
        return end + len(rest) == len(self._buffer) and all(c in ".eE+-" for c in rest)

    def peek(self) -> str:
        """The next character that is not white space, "" at the end."""
        while True:
            while self._at < len(self._buffer):
                if self._buffer[self._at] not in " \t\r\n\ufeff":
                    return self._buffer[self._at]
                self._at += 1
            if not self._more():
                return ""

    def take(self, any_of: str) -> str:
        found = self.peek()
        if not found:
            raise ValueError("the file ends too early")
        if found not in any_of:
            raise ValueError(f"expected one of {' '.join(any_of)}, found {found!r}")
        self._at += 1
        return found

    def value(self) -> Any:
        if not self.peek():
            raise ValueError("the file ends too early")
        while True:
            try:
                value, end = self._decoder.raw_decode(self._buffer, self._at)
                if not self._may_go_on(end) or not self._more():
                    break
            except json.JSONDecodeError:
                if len(self._buffer) - self._at > _LARGEST_VALUE or not self._more():
                    raise
        self._at = end
        return value
