"""Room for a run is asked for before anything is computed or written."""

import shutil
from types import SimpleNamespace

import pytest

from g2is.config import GraphConfig
from g2is.errors import InputError
from g2is.pipeline.space import check_space
from tests.test_import import COUNT, DIM, files, imported  # noqa: F401  a fixture

GRAPH = GraphConfig(neighbors=5, conflicts=3)


@pytest.fixture
def free(monkeypatch):
    """The bytes that are free on every disk, to be set."""
    disk = SimpleNamespace(free=0)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: disk)
    return disk


@pytest.mark.parametrize(
    ("dtype", "regimes", "needed"), [("float32", 1, 4640), ("float16", 3, 7920), ("int8", 1, 1640)]
)
def test_gradients_and_lists_have_to_fit(tmp_path, free, dtype, regimes, needed):
    """10 rows of 100 numbers, and lists of 5 and 3 with their cosines."""
    folder = tmp_path / "cache" / "new"
    free.free = needed
    check_space(folder, 10, 100, dtype, GRAPH, regimes=regimes)
    free.free = needed - 1
    with pytest.raises(
        InputError, match=r"new: .* GB are free there, .* of 10 instructions .* free some space"
    ):
        check_space(folder, 10, 100, dtype, GRAPH, regimes=regimes)
    folder.mkdir(parents=True)
    (folder / "earlier.npy").write_bytes(b"1")  # a new run replaces it
    check_space(folder, 10, 100, dtype, GRAPH, regimes=regimes)


def test_an_import_that_does_not_fit_writes_nothing(files, free):  # noqa: F811
    with pytest.raises(InputError, match=rf"gradients and lists of {COUNT} instructions"):
        imported(files)
    assert not (files / "cache" / "run" / "manifest.json").exists()
    free.free = COUNT * (4 * DIM + 64)
    assert imported(files).complete
