"""The one exception a user should ever see."""


class DeoccludeError(Exception):
    """Bad input or environment. The message is one line that names the file and the remedy.

    The command line prints it and exits with status 1; library callers may catch it.
    """
