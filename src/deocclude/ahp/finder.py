"""N_i as the making of a data set asks it; made once in a process."""

from __future__ import annotations

from functools import cache

from deocclude.people.person import PersonSource


@cache
def doubtful_people() -> PersonSource:
    """BlazePose's sure and doubtful people."""
    from deocclude.people import BlazePose

    return BlazePose(doubtful=True)


@cache
def sure_people() -> PersonSource:
    """Those alone of whom BlazePose is sure."""
    from deocclude.people import BlazePose

    return BlazePose()
