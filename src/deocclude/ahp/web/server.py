"""A local web server: a page's files, its pictures and its requests, for people here or on the network."""

from __future__ import annotations

import ipaddress
import json
import signal
import socket
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from typing import Any
from urllib.parse import unquote, urlsplit

from deocclude.ahp.web.requests import Answer, Refused, Request
from deocclude.errors import DeoccludeError

Files = dict[str, tuple[str, bytes]]
Requests = Mapping[str, Callable[[Request], Answer]]

_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_MOST_BYTES = 64 * 2**20
_POLICY = "default-src 'self'; img-src 'self' blob: data:; frame-ancestors 'none'; form-action 'none'"


def page_files(package: str) -> Files:
    """What is served besides pictures: {"/main.js": (content type, bytes), ...}, "/" is the page.

    The files of `PACKAGE/page` and those that all pages share.
    """
    found = {}
    for owner in ("deocclude.ahp.web", package):
        for entry in (resources.files(owner) / "page").iterdir():
            suffix = "." + entry.name.rpartition(".")[2]
            if suffix in _TYPES:
                found[f"/{entry.name}"] = f"{_TYPES[suffix]}; charset=utf-8", entry.read_bytes()
    found["/"] = found["/index.html"]
    return found


class PageServer(ThreadingHTTPServer):
    """Serves one page until `shutdown`; port 0 takes any free one."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, host: str, port: int, pages: Files, requests: Requests) -> None:
        self.pages = pages
        self.requests = requests
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            super().__init__((host, port), _Handler)
        except OSError as error:
            raise DeoccludeError(
                f"{host}:{port}: {error.strerror}; choose another --host or --port (0 takes any free port)"
            ) from None
        self._names = {host, "localhost", socket.gethostname(), socket.getfqdn()}

    def picture(self, kind: str, name: str) -> tuple[str, bytes, bool]:
        """Content type and bytes of /KIND/NAME, and whether the browser may keep it; else Refused 404."""
        raise Refused(404, "no such page")

    def serve_until_stopped(self) -> None:
        """Serves until Ctrl+C or SIGTERM (what `kill` sends to a server in the background), then closes."""
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            self.serve_forever()
        except KeyboardInterrupt:
            pass
        finally:
            self.server_close()

    @property
    def url(self) -> str:
        host = str(self.server_address[0])
        return f"http://[{host}]:{self.server_port}/" if ":" in host else f"http://{host}:{self.server_port}/"

    def is_own(self, authority: str) -> bool:
        """Whether a Host header names this server: by IP address, as localhost, or by the machine's name.

        Any other name may be a foreign page's whose address was switched to this machine.
        """
        try:
            parts = urlsplit(f"//{authority}")
            name, port = parts.hostname, parts.port
        except ValueError:
            return False
        if name is None or (port or 80) != self.server_port:
            return False
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name in {known.lower() for known in self._names}
        return True


class _Handler(BaseHTTPRequestHandler):
    server: PageServer
    protocol_version = "HTTP/1.1"
    timeout = 120

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def _answer(self, method: Any) -> None:
        try:
            self._check_caller()
            kind, content, lasting = method()
            self._send(200, kind, content, lasting)
        except Refused as refusal:
            self._send_json(refusal.status, {"error": str(refusal)})
        except DeoccludeError as error:
            self._send_json(422, {"error": str(error)})
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def _check_caller(self) -> None:
        host = self.headers.get("Host", "")
        if not self.server.is_own(host):
            raise Refused(421, "this server answers to its own address only")
        origin = self.headers.get("Origin")
        if origin is not None and origin != f"http://{host}":
            raise Refused(403, "requests of other pages are refused")

    def _get(self) -> tuple[str, bytes, bool]:
        path = unquote(urlsplit(self.path).path)
        if path in self.server.pages:
            return *self.server.pages[path], False
        _, _, rest = path.partition("/")
        kind, _, name = rest.partition("/")
        return self.server.picture(kind, name)

    def _post(self) -> tuple[str, bytes, bool]:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > _MOST_BYTES:
            self.close_connection = True
            raise Refused(413, f"a request needs a Content-Length of at most {_MOST_BYTES}")
        body = self.rfile.read(int(length))
        if self.headers.get_content_type() != "application/json":
            raise Refused(415, "a request must be application/json")
        method = self.server.requests.get(urlsplit(self.path).path.removeprefix("/api/"))
        if method is None or not self.path.startswith("/api/"):
            raise Refused(404, "no such request")
        try:
            request = json.loads(body)
        except ValueError:
            raise Refused(400, "not JSON") from None
        if not isinstance(request, dict):
            raise Refused(400, "a request must be a JSON object")
        return "application/json", json.dumps(method(request)).encode(), False

    def _send_json(self, status: int, answer: dict[str, Any]) -> None:
        if status in (403, 421):
            self.close_connection = True
        self._send(status, "application/json", json.dumps(answer).encode(), False)

    def _send(self, status: int, kind: str, content: bytes, lasting: bool) -> None:
        try:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Cache-Control", "private, max-age=3600" if lasting else "no-store")
            self.send_header("Content-Security-Policy", _POLICY)
            self.send_header("X-Content-Type-Options", "nosniff")
            self.send_header("Referrer-Policy", "no-referrer")
            if self.close_connection:
                self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(content)
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: a line a picture would hide what the command prints."""
