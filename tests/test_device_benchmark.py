"""The benchmark for machines with a GPU, at tiny sizes on the CPU: the same code, and figures that fit together."""

import json

import pytest
from transformers import LlamaConfig

from benchmarks.device import LLAMA_8B, Device, arguments, main, planned

TINY = (
    "--device cpu --hidden-size 32 --intermediate-size 64 --num-hidden-layers 2 --num-attention-heads 4 "
    "--num-key-value-heads 2 --vocab-size 97 --rank 4 --tokens 12 --samples 7 --loop-samples 3 --batch-tokens 40 "
    "--rounds 1 --dim 64 --rows 1500 --product-size 64 --tflops 2 --float32-tflops 1"
).split()


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_it_runs_at_tiny_sizes(dtype, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    main([*TINY, "--dtype", dtype])
    written = json.loads((tmp_path / "bench" / "device.json").read_text())
    assert written["device"] and written["machine"]["cores"]
    assert written["device"] in capsys.readouterr().out
    assert written["gradients"]["least_cosine"] > (0.99999 if dtype == "float32" else 0.99)
    assert written["neighbours"]["largest_error"] < 1e-6
    rows = {row["what"]: row for row in written["rows"] if row["what"] != "matrix product"}
    assert list(rows) == ["bare", "engine, sgd", "engine, adam and sgd", "loop", "exact neighbours"]
    for row in written["rows"]:
        peak = {"float32": 1, "bfloat16": 2}[row["dtype"]]
        assert row["share_of_peak"] == pytest.approx(row["TFLOP_per_s"] / peak)
        assert row["per_s"] == pytest.approx(row["count"] / row["seconds"])
    assert rows["loop"]["over_loop"] == rows["bare"]["share_of_bare"] == 1
    # Every way to take gradients is charged the same for a sample.
    charged = [
        row["TFLOP_per_s"] * row["seconds"] / row["count"]
        for name, row in rows.items()
        if name != "exact neighbours"
    ]
    assert charged == pytest.approx([charged[0]] * 4)


def test_left_alone_it_is_llama_8b():
    options = arguments().parse_args([])
    plan = planned(LlamaConfig(**LLAMA_8B, tie_word_embeddings=False), options)
    assert (plan.shape.parameters, plan.trained) == (8_030_261_248, 109_051_904)
    assert (options.tokens, options.dtype, options.rows, options.dim) == (300, "bfloat16", 270_000, 8192)


def test_peaks_go_by_the_name_of_the_device(monkeypatch):
    names = {
        "NVIDIA H100 80GB HBM3": 989,
        "NVIDIA H100 PCIe": 756,
        "NVIDIA H200": 989,
        "NVIDIA A100-SXM4-80GB": 312,
        "Another": None,
    }
    for name, peak in names.items():
        monkeypatch.setattr("torch.cuda.get_device_name", lambda device, name=name: name)
        assert Device("cuda", None, None).peaks["bfloat16"] == peak
    assert Device("cuda", 1000.0, None).peaks["bfloat16"] == 1000
