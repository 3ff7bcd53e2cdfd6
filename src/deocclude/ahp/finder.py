"""N_i as the making of a data set asks it: with the people that it is not sure of."""

from __future__ import annotations

from functools import cache

from deocclude.people.person import PersonSource


@cache
def doubtful_people() -> PersonSource:
    """BlazePose's sure and doubtful people; made once in a process."""
    from deocclude.people import BlazePose

    return BlazePose(doubtful=True)
