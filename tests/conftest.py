import os
import shutil

# Before torch is imported: no model hub, and threads that sleep instead of spinning.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("KMP_BLOCKTIME", "0")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# Before Triton is: without a GPU its interpreter runs kernels.
if not os.path.exists("/dev/nvidiactl"):  # noqa: PTH110
    os.environ.setdefault("TRITON_INTERPRET", "1")

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says nothing on a machine that has other work.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data beside the checkout; tests that need it skip where it is missing."""
    if not SHARED.is_dir():
        pytest.skip(f"needs real data in {SHARED.name}/ beside the checkout")
    return SHARED


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """A run of 80 instructions, never changed."""
    from tests.app.tiny_run import make_run

    return make_run(tmp_path_factory.mktemp("whole") / "tiny", 80)


@pytest.fixture
def run(whole, tmp_path):
    """A copy of it, to change."""
    from g2is.run.run import Run

    return Run.open(shutil.copytree(whole.folder, tmp_path / "tiny"))
