"""The app as the README starts it, without an option of ours: every page, and nothing unusual in the server's log."""

import os
import re
import shlex
import subprocess
import sys
import time

from playwright.sync_api import expect

from g2is.app.shared.navigation import pages
from tests.app.serving import ROOT

EXPECTED = re.compile(
    r"|You can now view your Streamlit app in your browser\.|(Local |Network |External )?URL: http://\S+"
    r"|[0-9: .-]+ Uvicorn server started on localhost:\d+|Stopping\.\.\."
)
"""Lines that the server prints when all is well."""


def test_the_readme_s_command_serves_every_page_and_logs_nothing(page, cache, tmp_path):
    (line,) = set(re.findall(r"^g2is app\b.*$", (ROOT / "README.md").read_text(), re.MULTILINE))
    words = shlex.split(line, comments=True)
    log = tmp_path / "log"
    # The folder of the runs and the browser are the reader's own.
    environment = {**os.environ, "G2IS_CACHE": str(cache), "BROWSER": "true"}
    with log.open("wb") as file:
        server = subprocess.Popen(
            [sys.executable, "-m", *words], cwd=ROOT, stdout=file, stderr=subprocess.STDOUT, env=environment
        )
    try:
        url = address(log)
        for title in pages():
            page.goto(url if title == "Home" else f"{url}/{title.replace(' ', '_')}?run=tiny", timeout=60_000)
            running = '[data-testid="stApp"][data-test-script-state="notRunning"]'
            page.wait_for_selector(running, timeout=60_000)
            expect(page.locator("h1").first).to_be_attached(timeout=60_000)
            expect(page.get_by_test_id("stException")).to_have_count(0)
    finally:
        server.terminate()
        server.wait()
    unusual = [line for line in log.read_text().splitlines() if not EXPECTED.fullmatch(line.strip())]
    assert not unusual


def address(log) -> str:
    """Where the server says that it is."""
    for _ in range(1200):
        if found := re.search(r"URL: (http://localhost:\d+)", log.read_text()):
            return found[1]
        time.sleep(0.1)
    raise AssertionError(log.read_text())
