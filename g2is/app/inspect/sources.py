"""The data to check: uploaded, pasted, or files of the machine that the app runs on.

None of it stands in the URL: a link must not make the app read a file.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import streamlit as st

from g2is.app.shared.visitor import may_name_files
from g2is.errors import InputError, printable
from g2is.instructions import Source, find_sources
from g2is.instructions.sources import DATA
from g2is.storage.files import write_bytes

LARGEST = 200_000_000
"""Bytes of all files together; more is for the command line."""
MOST_FILES = 10_000
"""Files under a folder that are looked at."""
UPLOAD, PASTE, PATH = "Upload", "Paste", "On this machine"


def choose_sources(prefix: str = "", largest: int | None = None) -> list[Source]:
    """The files to check, none where nothing was given yet. Raises InputError.

    prefix: of the keys of the widgets, which tells them from those of another page. largest: megabytes of a file that
    is uploaded; the server's own limit where None.
    """
    ways = [UPLOAD, PASTE, *([PATH] if may_name_files() else [])]
    way = st.segmented_control("Data from", ways, default=UPLOAD, required=True, key=f"{prefix}data_from")
    if way == PASTE:
        return _pasted(f"{prefix}pasted")
    return _on_this_machine(f"{prefix}paths") if way == PATH else _uploaded(f"{prefix}uploaded", largest)


def _uploaded(key: str, largest: int | None) -> list[Source]:
    files = st.file_uploader(
        "JSON Lines, JSON, CSV, TSV, Parquet or Arrow, also compressed",
        accept_multiple_files=True,
        key=key,
        max_upload_size=largest,
        help="The files stay in a temporary folder until this session ends.",
    )
    names = _told_apart(printable(file.name) for file in files)
    return [
        Source(kept(file.file_id, file.getvalue()), name, copied=True)
        for file, name in zip(files, names, strict=True)
    ]


def _pasted(key: str) -> list[Source]:
    text = st.text_area(
        "Records", key=key, height=160, placeholder='{"question": "What is 1 + 1?", "answer": "2"}'
    )
    if not text.strip():
        return []
    data = text.encode("utf-8", "replace")
    return [Source(kept(hashlib.sha256(data).hexdigest(), data), "pasted.jsonl", copied=True)]


def _on_this_machine(key: str) -> list[Source]:
    text = st.text_area(
        "Files or folders, one a line",
        key=key,
        height=90,
        placeholder="/data/pool.jsonl",
        help="They are only read. Not for hidden files and folders, pipes and devices.",
    )
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return readable_files(lines)


def readable_files(lines: Iterable[str]) -> list[Source]:
    """The files of records that paths stand for; raises InputError for what a page is not to read.

    The command line reads more: pipes, globs, data sets of the Hub, files of any name and size.
    """
    sources = find_sources([_checked(line) for line in lines])
    size = 0
    for source in sources:
        path = source.path.resolve()
        if any(part.startswith(".") for part in path.parts) or not path.is_file():
            raise InputError(f"{source.path}: is hidden or no regular file, expected a file of records")
        size += path.stat().st_size
    if size > LARGEST:
        raise InputError(
            f"the files hold {size:,} bytes, expected at most {LARGEST:,} on this page; check them with: g2is inspect"
        )
    return sources


def _checked(line: str) -> str:
    """The line, where it names a folder of a moderate size or a file with the name of one of records."""
    path = Path(line).expanduser()
    try:
        if not path.exists() and ":" in line:
            path = Path(line.rpartition(":")[0]).expanduser()
        if path.is_file() and DATA.fullmatch(path.name) and DATA.fullmatch(path.resolve().name):
            return str(Path(line).expanduser())
        if path.is_dir():
            if len(list(islice(path.rglob("*"), MOST_FILES + 1))) > MOST_FILES:
                raise InputError(
                    f"{line}: holds more than {MOST_FILES:,} files, expected a folder of records"
                )
            return str(Path(line).expanduser())
    except (OSError, ValueError, RuntimeError):  # no file can have this name, no home, or not to be looked at
        pass
    raise InputError(
        f"{line}: no such file or folder, expected a regular file called .jsonl, .json, .csv, .tsv, .parquet or "
        ".arrow, also compressed"
    )


def _told_apart(names: Iterable[str]) -> list[str]:
    seen: Counter[str] = Counter()
    told = []
    for name in names:
        seen[name] += 1
        path = Path(name)
        told.append(name if seen[name] == 1 else f"{path.stem} ({seen[name]}){path.suffix}")
    return told


def kept(name: str, data: bytes) -> Path:
    """The path of a temporary file with these bytes; the folder is removed with the session.

    name: tells it from others.
    """
    folder = st.session_state.get("check_data_folder")
    if folder is None:
        folder = tempfile.TemporaryDirectory(prefix="g2is-", ignore_cleanup_errors=True)
        st.session_state["check_data_folder"] = folder
    # The upload's own number is the server's, but let it never become a path.
    path = Path(folder.name) / hashlib.sha256(name.encode()).hexdigest()
    if not path.exists():
        write_bytes(path, data)
    return path
