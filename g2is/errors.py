"""The one exception for wrong input."""


class InputError(ValueError):
    """Wrong input of the user. Its text is one line: what is wrong, where, what was expected, and the remedy.

    The command line prints it and exits with 2; pages show it and stop. Quoted names and file contents cannot break the
    line or control a terminal.
    """

    def __init__(self, text: str) -> None:
        super().__init__(printable(text))


def printable(text: str) -> str:
    """The text on one line, with line breaks, control characters and undecodable bytes escaped."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def shortened(text: str, most: int = 80) -> str:
    """The text cut to `most` characters, for quoting values of any length in a message."""
    return text if len(text) <= most else text[: most - 1] + "…"
