"""Options that several commands have: declared once, as the fields of a dataclass."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, get_type_hints


def with_options(shared: type) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Gives a command the fields of a dataclass as options of its own, after those that it declares itself.

    The command takes an instance of the dataclass as its first parameter. Fields are annotated as typer wants
    it; a field without a default is a required option.
    """
    fields = list(inspect.signature(shared).parameters.values())

    def wrap(command: Callable[..., None]) -> Callable[..., None]:
        _, *own = inspect.signature(command).parameters.values()
        names = [field.name for field in fields]

        def call(**given: Any) -> None:
            command(shared(**{name: given.pop(name) for name in names}), **given)

        hints = get_type_hints(shared, include_extras=True) | get_type_hints(command, include_extras=True)
        parameters = [
            one.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[one.name])
            for one in (*own, *fields)
        ]
        call.__name__, call.__doc__ = command.__name__, command.__doc__
        call.__annotations__ = {one.name: one.annotation for one in parameters}
        call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        return call

    return wrap
