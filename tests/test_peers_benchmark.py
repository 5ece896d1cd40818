"""The benchmark beside other programs: that its methods take gradients of the same samples, and its measures."""

import numpy as np
import pytest
import torch

from benchmarks.peers import METHODS, Setting, agreement, here, pairs, true_cosines
from tests.tiny import adapted_model, random_samples


@pytest.fixture(scope="module")
def setting():
    return Setting(lambda: adapted_model("llama"), random_samples(7), dim=256, batch_tokens=150)


def test_our_sketches_are_those_of_the_loop(setting):
    assert len(setting.groups) > 1
    loop = METHODS["loop"](setting)()
    for name in ("ours, plain", "ours, plain and Adam's"):
        rows = METHODS[name](setting)()
        torch.testing.assert_close(rows, loop, rtol=1e-3, atol=1e-5)
    assert METHODS["ours, both, twice the numbers"](setting)().shape == (7, 512)
    assert METHODS["bare"](setting)() is None


def test_agreement_is_with_whole_gradients(setting):
    true = true_cosines(setting)
    assert true.shape == (21,) and np.abs(true).max() <= 1 + 1e-9
    rows = METHODS["loop"](setting)()
    found = agreement(setting, rows, true)
    assert 0.5 < found["agreement"] < 1 and found["numbers"] == 256
    assert found["rmse"] == pytest.approx(np.sqrt(np.mean((pairs(rows) - true) ** 2)))
    assert agreement(setting, rows, pairs(rows))["agreement"] == pytest.approx(1)


def test_programs_that_are_not_installed_are_left_out(monkeypatch):
    monkeypatch.setattr("benchmarks.peers.importlib.util.find_spec", lambda name: None)
    assert here() == [name for name in METHODS if name not in ("bergson", "dattri-llm")]
