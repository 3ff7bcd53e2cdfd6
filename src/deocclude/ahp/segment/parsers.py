"""Body parts of a segmented person: the source's own labels, else pseudo labels (the paper's HRNet)."""

from __future__ import annotations

from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from deocclude.ahp.acquire.checks import Unfit, label_map
from deocclude.ahp.segment.person import SegmentedPerson
from deocclude.crops import OUTSIDE_PHOTO, SquareWindow, box_of, rows_and_columns
from deocclude.parsing import NUM_CLASSES, UNLABELLED, inside
from deocclude.plugins import plug_in

DEFAULT = "lite"
NONE = "none"


class Parser(Protocol):
    """`name` is part of what a stored result depends on: change it when results change."""

    name: str

    def __call__(self, person: SegmentedPerson, photo: np.ndarray) -> np.ndarray | None:
        """uint8 HxW: LIP index inside the person's mask, 0 outside, 255 where the part is not known; None if
        this parser knows nothing of the person. photo: uint8 HxWx3 RGB. May raise `Unfit`."""
        ...


class OwnLabels:
    """The candidate's own map of LIP indices, as LIP and AHP have it."""

    name = "own"

    def __call__(self, person: SegmentedPerson, photo: np.ndarray) -> np.ndarray | None:
        path = person.candidate.parsing
        if path is None:
            return None
        label = label_map(path, person.mask.shape)  # type: ignore[arg-type]
        if label[label != UNLABELLED].max(initial=0) >= NUM_CLASSES:
            raise Unfit("malformed parsing", f"{path}: a class is none of LIP's")
        return inside(person.mask, label)


class CcpTags:
    """CCP's 59 tags as LIP classes; skin and shoes are told left from right by N_i's landmarks."""

    name = "ccp-tags"

    def __call__(self, person: SegmentedPerson, photo: np.ndarray) -> np.ndarray | None:
        from deocclude.ahp.ccp import parsing_of

        if person.candidate.source != "ccp":
            return None
        root = person.candidate.photo.parent.parent
        path = root / "labels" / f"{person.candidate.photo.stem}.png"
        tags = label_map(path, person.mask.shape)  # type: ignore[arg-type]
        return inside(person.mask, parsing_of(tags, _tags(root), person.landmarks))


@lru_cache(maxsize=4)
def _tags(root: Path) -> list[str]:
    from deocclude.ahp.ccp import read_tags

    return read_tags(root)


class StageOneParser:
    """The parsing branch of this project's mask completion network (section 3.2).

    model: 'lite', 'paper', or a folder with masks.safetensors.
    """

    def __init__(self, model: str = DEFAULT) -> None:
        from deocclude.weights import store

        self._model = model
        self.name = f"stage1-{store.sha256_of('masks', model)}"

    def __call__(self, person: SegmentedPerson, photo: np.ndarray) -> np.ndarray | None:
        import torch

        from deocclude import tensors
        from deocclude.mask_completion.network import complete
        from deocclude.resampling import enlarge_parsing

        box = box_of(person.mask)
        assert box is not None
        size = self._network.config.size
        window = SquareWindow.around(box)
        image = window.cut(photo, size, outside=OUTSIDE_PHOTO)
        initial = window.cut_mask(person.mask, size)
        here = torch.device("cpu")
        with torch.inference_mode():
            found = complete(self._network(tensors.images([image], here), tensors.planes([initial], here)))
        modal, amodal = (
            parsing.numpy()[0].astype(np.uint8) for parsing in (found.parsing_modal, found.parsing_amodal)
        )
        parts = np.where(initial, np.where(modal > 0, modal, amodal), 0).astype(np.uint8)
        out = np.zeros(person.mask.shape, dtype=np.uint8)
        part = rows_and_columns(box)
        out[part] = enlarge_parsing(parts, person.mask[part], window, box)
        return out

    @cached_property
    def _network(self) -> Any:
        from deocclude.weights import store

        return store.load("masks", self._model)


class Chain:
    """The first parser that knows something of the person."""

    def __init__(self, *parsers: Parser) -> None:
        self._parsers = parsers
        self.name = "+".join(parser.name for parser in parsers)

    def __call__(self, person: SegmentedPerson, photo: np.ndarray) -> np.ndarray | None:
        found = (parser(person, photo) for parser in self._parsers)
        return next((parsing for parsing in found if parsing is not None), None)


def load_parser(name: str) -> Parser:
    """Sources' own labels first; where there are none: 'none', MODULE:CALLABLE that makes a `Parser`, or the
    model of stage 1 to ask ('lite', 'paper', or a folder with masks.safetensors).

    Raises DeoccludeError for an unknown model or an import that fails.
    """
    labels = OwnLabels(), CcpTags()
    return Chain(*labels) if name == NONE else Chain(*labels, pseudo_parser(name))


def pseudo_parser(name: str) -> Parser:
    """MODULE:CALLABLE that makes a `Parser`, or the model of stage 1 to ask. Raises as `load_parser`."""
    parser: Parser = plug_in(name)() if ":" in name else StageOneParser(name)
    return parser
