"""`deocclude run`."""


def run() -> None:
    raise NotImplementedError
