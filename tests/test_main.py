"""The program before any command."""

import os
import subprocess
import sys

import pytest

PRINT = (
    "; import os; print(os.environ['OMP_WAIT_POLICY'], os.environ['KMP_BLOCKTIME'], 'torch' in sys.modules)"
)


@pytest.mark.parametrize(
    ("given", "expected"), [({}, "PASSIVE 0"), ({"OMP_WAIT_POLICY": "active"}, "active 0")]
)
def test_threads_sleep_while_they_wait_unless_the_user_says_otherwise(given, expected):
    """A build took four times as long with torch's threads spinning beside those of numpy."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "KMP_"))}
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; from g2is.__main__ import main; main(['list']){PRINT}"],
        env={**environment, **given},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == f"{expected} False"
