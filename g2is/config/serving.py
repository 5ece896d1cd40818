"""How the app is served to others: who may see and save what, and under which address."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from g2is.config.settings import Settings, Whole


def _check_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        wrong = parts.scheme not in ("http", "https") or bool(parts.query or parts.fragment)
        wrong |= not re.fullmatch(r"[A-Za-z0-9._:-]+", parts.hostname or "")
        _ = parts.port
    except ValueError:
        wrong = True
    if wrong or not re.fullmatch(r"[A-Za-z0-9/_.~-]*", parts.path):
        raise ValueError(f"url = {url!r}: expected an address such as https://example.org/g2is")
    return url.rstrip("/")


class ServingConfig(Settings):
    """Serving others."""

    read_only: bool = Field(
        False, description="visitors only look and download: nothing is saved, built or exported to the run"
    )
    most_saved: Whole = Field(
        10_000,
        description="selections, sets, exports, evaluations and targets that a run may hold, deleted ones included, "
        "before visitors can save no more",
    )
    most_saved_mb: Whole = Field(10_000, description="megabytes that these may have together")
    access: Path | None = Field(
        None, description="TOML file with the identity provider ([auth]) and who may see which run ([runs])"
    )
    address: str = Field(
        "localhost",
        min_length=1,
        max_length=255,
        description="address to listen at; 0.0.0.0 for all of this machine, as a container needs it",
    )
    url: Annotated[str, AfterValidator(_check_url)] | None = Field(
        None, description="address that visitors type where a proxy stands before the app, with the path"
    )

    @property
    def for_others(self) -> bool:
        """Whether people elsewhere may reach the app, who must not name files of this machine."""
        local = self.address in ("localhost", "127.0.0.1", "::1")
        return not local or self.url is not None or self.access is not None or self.read_only

    @property
    def base_path(self) -> str:
        """The path of `url`, without slashes around it."""
        return "" if self.url is None else urlsplit(self.url).path.strip("/")
