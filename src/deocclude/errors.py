"""The one exception a user should ever see."""


class DeoccludeError(Exception):
    """Bad input or environment. The message is one line that names the file and the remedy.

    The command line prints it and exits with status 1; library callers may catch it.
    """


_LONGEST = 300


def one_line(text: object) -> str:
    """Text for a message: line breaks and runs of spaces become one space, at most 300 characters stay."""
    return " ".join(str(text).split())[:_LONGEST]


def described(error: Exception, where: str = "") -> str:
    """One line with the error's type, for one that is not ours; `where` in front of it, if given."""
    return one_line(
        f"{where}: {type(error).__name__}: {error}" if where else f"{type(error).__name__}: {error}"
    )
