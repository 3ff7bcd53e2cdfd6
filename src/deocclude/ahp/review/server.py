"""The local web server of the review: its page, and the photos and masks of a workspace."""

from __future__ import annotations

from deocclude.ahp.review.api import ReviewApi
from deocclude.ahp.review.picture import mask_png, photo_jpeg
from deocclude.ahp.review.workspace import Workspace
from deocclude.ahp.web import server


def page_files() -> server.Files:
    """The files of the review's page by path."""
    return server.page_files("deocclude.ahp.review")


class ReviewServer(server.PageServer):
    """Serves one workspace until `shutdown`; port 0 takes any free one."""

    def __init__(self, host: str, port: int, workspace: Workspace, api: ReviewApi) -> None:
        self.workspace = workspace
        self.api = api
        super().__init__(host, port, page_files(), api.requests)

    def picture(self, kind: str, name: str) -> tuple[str, bytes, bool]:
        """/photo/ID.jpg, /native/ID.jpg, /mask/ID.png."""
        if kind in ("photo", "native") and name.endswith(".jpg"):
            candidate = self.api.candidate(name[: -len(".jpg")])
            return "image/jpeg", photo_jpeg(self.workspace, candidate, native=kind == "native"), True
        if kind == "mask" and name.endswith(".png"):
            candidate = self.api.candidate(name[: -len(".png")])
            return "image/png", mask_png(self.workspace, candidate), False
        return super().picture(kind, name)
