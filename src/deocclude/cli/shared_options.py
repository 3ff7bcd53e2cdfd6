"""Options that several commands have: declared once, as the fields of a dataclass."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, get_type_hints


def with_options(*shared: type) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Gives a command the fields of dataclasses as options of its own, after those that it declares itself.

    The command takes an instance of each dataclass as its first parameters. Fields are annotated as typer
    wants it; a field without a default is a required option.
    """
    fields = {one: list(inspect.signature(one).parameters.values()) for one in shared}

    def wrap(command: Callable[..., None]) -> Callable[..., None]:
        own = list(inspect.signature(command).parameters.values())[len(shared) :]

        def call(**given: Any) -> None:
            groups = [one(**{field.name: given.pop(field.name) for field in fields[one]}) for one in shared]
            command(*groups, **given)

        hints = get_type_hints(command, include_extras=True)
        for one in shared:
            hints |= get_type_hints(one, include_extras=True)
        parameters = [
            one.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[one.name])
            for one in (*own, *(field for group in fields.values() for field in group))
        ]
        call.__name__, call.__doc__ = command.__name__, command.__doc__
        call.__annotations__ = {one.name: one.annotation for one in parameters}
        call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        return call

    return wrap
