"""Scene categories (figure 5b) from a classifier that the user brings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from importlib.metadata import entry_points
from typing import Protocol

import numpy as np

from deocclude.ahp.sample import WholePerson
from deocclude.errors import DeoccludeError
from deocclude.plugins import plug_in

GROUP = "deocclude.scenes"
"""Entry points of this group are scene classifiers by name."""

LEFT_OUT = "scene categories are left out: no classifier was given; name one with --scenes module:callable"


class SceneClassifier(Protocol):
    """Names the scene of a photo: uint8 HxWx3 RGB in, a category such as 'street' out.

    Called once a person from one thread, in the order of the lists.
    """

    def __call__(self, photo: np.ndarray, /) -> str: ...


def load_classifier(spec: str) -> SceneClassifier:
    """The classifier `module:callable`, or the entry point of that name; a class is made without arguments.

    Modules in the current folder are found too. Raises DeoccludeError if there is no such callable.
    """
    found = plug_in(spec) if ":" in spec else _entry_point(spec)
    classifier = found() if isinstance(found, type) else found
    if not callable(classifier):
        raise DeoccludeError(f"--scenes {spec}: not callable; name a function that takes a photo")
    return classifier  # type: ignore[return-value]


def _entry_point(name: str) -> object:
    for point in entry_points(group=GROUP):
        if point.name == name:
            return point.load()
    known = ", ".join(sorted(entry_points(group=GROUP).names)) or "none"
    raise DeoccludeError(
        f"--scenes {name}: no such classifier is installed ({known}); install one or give module:callable"
    )


def count_scenes(people: Iterable[WholePerson], classify: SceneClassifier) -> dict[str, int]:
    """People by scene, the most frequent first. Raises DeoccludeError where the classifier fails."""
    counts: Counter[str] = Counter()
    for person in people:
        try:
            scene = classify(person.photo)
        except Exception as error:
            raise DeoccludeError(
                f"{person.id}: the scene classifier failed ({type(error).__name__}: {error}); mend it or go "
                "without --scenes"
            ) from error
        if not isinstance(scene, str) or not scene:
            raise DeoccludeError(
                f"{person.id}: the scene classifier gave {scene!r}; it must give a category's name"
            )
        counts[scene] += 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
