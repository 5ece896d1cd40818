"""Ten visitors of one server at once, each a script over its websocket: how long each thing takes, alone and together.

    python -m benchmarks.visitors [--run cache/demo] [--visitors 10] [--rounds 3] [--reads 3]

The app is started as the README says. A visitor opens Home, Walk, changes the budget, bans an instruction, and opens
Map, Neighbourhood, Core knowledge, Instructions, Compare and Export; before each it reads for some seconds. All ban
another instruction; every two have a budget in common. p50, p95: seconds from asking to the end of the page's script.
ratio: p50 together relative to one visitor after the other on the same server, after a visit that warmed it. memory: of
the server, in MB. Nothing is drawn, so that the browser's part, stepping included, is left out: it
does not depend on how many others there are. Only ratios mean something on a busy machine.
"""

from __future__ import annotations

import argparse
import random
import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

from benchmarks.report import report
from tests.app.serving import Server, serving

PATIENCE = 120
READS = 3.0
"""Seconds that a visitor reads a page, on average, before asking for the next."""
PAGES = ("Home", "Walk", "Map", "Neighbourhood", "Core_knowledge", "Instructions", "Compare", "Export")
Times = dict[str, list[float]]


class Visitor:
    """A session of the app without a browser."""

    def __init__(self, server: Server, run: str) -> None:
        self.run = run
        address = f"ws://localhost:{server.port}/_stcore/stream"
        self.stack = ExitStack()
        self.socket = self.stack.enter_context(
            connect(address, max_size=None, compression=None, open_timeout=PATIENCE)
        )

    def ask(self, page: str, **query: Any) -> float:
        """Open a page, or the same with other settings; seconds until its script has ended."""
        name = "" if page == "Home" else page
        state = ClientState(query_string=urlencode({"run": self.run, **query}, doseq=True), page_name=name)
        begun = time.perf_counter()
        self.socket.send(BackMsg(rerun_script=state).SerializeToString())
        while True:
            message = ForwardMsg.FromString(self.socket.recv(timeout=PATIENCE))
            if message.WhichOneof("type") == "script_finished":
                return time.perf_counter() - begun
            if message.WhichOneof("type") == "delta" and message.delta.new_element.HasField("exception"):
                raise RuntimeError(message.delta.new_element.exception.message)

    def close(self) -> None:
        self.stack.close()


def steps(number: int) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """What a visitor does: its name, the page, its query. number: of the visitor."""
    # Every second one has the budget of the one before.
    own = {"count": 60 + 2 * (number // 2)}
    banned = {**own, "bans": 100 + number}
    yield "Home", "Home", {}
    yield "Walk", "Walk", {}
    yield "budget", "Walk", own
    yield "ban", "Walk", banned
    for page in PAGES[2:]:
        yield page, page, {**banned, "focus": 100 + number}


def visit(server: Server, run: str, number: int, times: Times, reads: float = 0.1) -> None:
    """One visit from beginning to end. reads: mean seconds before each step."""
    dice = random.Random(number)
    visitor = Visitor(server, run)
    try:
        for name, page, query in steps(number):
            time.sleep(dice.uniform(0, 2 * reads))
            times[name].append(visitor.ask(page, **query))
    finally:
        visitor.close()


def together(server: Server, run: str, numbers: Iterable[int], reads: float) -> Times:
    """Visits at the same time."""
    times: Times = defaultdict(list)
    faults: list[BaseException] = []

    def follow(number: int) -> None:
        try:
            visit(server, run, number, times, reads)
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=follow, args=(number,)) for number in numbers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
    return times


def memory(server: Server) -> float:
    """Resident MB of the server; 0 where the system does not say."""
    status = Path(f"/proc/{server.process.pid}/status")
    if not status.exists():
        return 0.0
    [line] = [line for line in status.read_text().splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1024


def measure(run: Path, visitors: int, rounds: int, reads: float) -> list[dict[str, Any]]:
    """A row for everything that visitors do, and one for the memory."""
    alone: Times = defaultdict(list)
    crowd: Times = defaultdict(list)
    with serving(run.parent) as server:
        visit(server, run.name, 10_000, defaultdict(list))
        before = memory(server)
        for number in range(visitors):
            visit(server, run.name, 1000 + 2 * number, alone)
        after_alone = memory(server)
        for place in range(rounds):
            numbers = range(place * visitors, (place + 1) * visitors)
            for name, seconds in together(server, run.name, numbers, reads).items():
                crowd[name] += seconds
        after = memory(server)
    rows = [
        {
            "what": name,
            "alone_p50": statistics.median(alone[name]),
            "alone_p95": quantile(alone[name]),
            "together_p50": statistics.median(crowd[name]),
            "together_p95": quantile(crowd[name]),
            "ratio": statistics.median(crowd[name]) / statistics.median(alone[name]),
        }
        for name in alone
    ]
    print(
        f"memory of the server: {before:.0f} MB, {after_alone:.0f} after one after the other, {after:.0f} after all"
    )
    return rows


def quantile(seconds: Sequence[float]) -> float:
    """The 95th percentile."""
    return sorted(seconds)[min(len(seconds) - 1, int(0.95 * len(seconds)))]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", type=Path, default=Path("cache/demo"), help="folder of a finished run")
    parser.add_argument("--visitors", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--reads", type=float, default=READS, help="seconds that a visitor reads, on average")
    given = parser.parse_args()
    rows = measure(given.run.resolve(), given.visitors, given.rounds, given.reads)
    report("visitors", rows, visitors=given.visitors, reads=given.reads)
