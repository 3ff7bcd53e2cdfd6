"""Which photos of a source are for validation, fixed for ever."""

from __future__ import annotations

import hashlib

_VALIDATION_SHARE = 0.1


def split_of(source: str, job: str) -> str:
    """'val' for a tenth of the photos of each source, else 'train'; by a hash of the photo's name.

    job: the photo's file name, of CCP and LSPet without its suffix.
    """
    digest = hashlib.sha256(f"{source}/{job}".encode()).digest()
    return "val" if int.from_bytes(digest[:8], "big") < _VALIDATION_SHARE * 2**64 else "train"
