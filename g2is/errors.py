"""The one exception for wrong input."""


class InputError(ValueError):
    """Something the user gave is wrong: its text is one line that says what, where, what was expected
    and how to mend it. The command line prints it and exits with 2; pages show it and stop.

    Whatever the text quotes of names and files, it has no line breaks and nothing that steers a terminal.
    """

    def __init__(self, text: str) -> None:
        super().__init__(printable(text))


def printable(text: str) -> str:
    """The text with line breaks, control characters and undecodable bytes escaped: it fits one line."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def shortened(text: str, most: int = 80) -> str:
    """What a file or an address holds may be of any length; a message is read by a person."""
    return text if len(text) <= most else text[: most - 1] + "…"
