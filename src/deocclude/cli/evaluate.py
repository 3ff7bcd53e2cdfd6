"""`deocclude evaluate`."""


def evaluate() -> None:
    raise NotImplementedError
