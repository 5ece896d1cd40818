"""The one exception for wrong input."""


class InputError(ValueError):
    """Something the user gave is wrong: its text is one line that says what, where, what was expected
    and how to mend it. The command line prints it and exits with 2; pages show it and stop."""
