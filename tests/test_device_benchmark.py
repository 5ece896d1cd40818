"""The benchmark for machines with a GPU, at tiny sizes on the CPU: the same code, and figures that fit together."""

import json

import pytest
import torch

from benchmarks.device import Device, Gradients, arguments, main, planned, samples
from benchmarks.left_out import attention_mask, in_a_row, no_overlap, several_kernels, written_norms
from benchmarks.peers import here
from g2is.config import Hardware, Workload
from g2is.engine import local
from g2is.lm import gradients, projection, train
from g2is.lm.one_kernel import one_kernel

TINY = (
    "--device cpu --hidden-size 32 --intermediate-size 64 --num-hidden-layers 2 --num-attention-heads 4 "
    "--num-key-value-heads 2 --vocab-size 97 --rank 4 --tokens 12 --samples 7 --loop-samples 3 --batch-tokens 40 "
    "--build-instructions 60 --peer-samples 6 --sweep 20 80 --rounds 1 --dim 64 --rows 1500 --product-size 64 "
    "--tflops 2 --tf32-tflops 1 --float32-tflops 1 --bandwidth .02"
).split()


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_it_runs_at_tiny_sizes(dtype, tmp_path):
    main([*TINY, "--dtype", dtype, "--output", str(tmp_path / "out")])
    written = json.loads((tmp_path / "out" / "device.json").read_text())
    assert written["device"] and written["machine"]["cores"]
    assert not [row for row in written["rows"] if "failed" in row]
    rows = {row["what"]: row for row in written["rows"] if row["what"] != "matrix product"}
    for what in ("build of the demo", "build of the demo, one step after the other"):
        assert rows[what]["valid"] == 60 and 0 < rows[what]["gradients_seconds"] < rows[what]["seconds"]
    engine = rows["engine, adam and sgd"]
    assert engine["least_cosine"] > (0.99999 if dtype == "float32" else 0.99)
    assert rows["against float32"]["least_cosine_sgd"] > (0.99999 if dtype == "float32" else 0.99)
    assert rows["exact neighbours"]["largest_error"] < 1e-6
    assert {"bare", "engine, sgd", "loop", "forward", "engine without sketches"} < set(rows)
    left_out = {"engine without one kernel", "engine without fused norms", "engine with a mask"}
    assert left_out < set(rows) and engine["share_of_engine"] == 1
    assert engine["sketches"] == "several kernels a sketch (no CUDA device)"
    assert {
        f"batches of {tokens} tokens, {how}" for tokens in (10, 20, 80) for how in ("tf32", "ieee")
    } < set(rows)
    for row in written["rows"]:
        if "TFLOP_per_s" in row:
            peak = {"float32": 1, "bfloat16": 2}[row["dtype"]]
            assert row["share_of_peak"] == pytest.approx(row["TFLOP_per_s"] / peak)
            assert row["per_s"] == pytest.approx(row["count"] / row["seconds"])
    planned = [rows[what]["planned_seconds"] for what in ("engine, sgd", "engine, adam and sgd")]
    assert 0 < planned[0] < planned[1] and rows["exact neighbours"]["planned_seconds"] > 0
    for name in here():
        row = rows[f"beside others: {name}"]
        assert row["count"] == 6 and row["share_of_bare"] > 0
        assert ("agreement" in row) == (name != "bare")
    assert rows["beside others: loop"]["agreement"] == pytest.approx(
        rows["beside others: ours, plain"]["agreement"], abs=1e-3 if dtype == "float32" else 0.1
    )
    assert rows["loop"]["over_loop"] == rows["bare"]["share_of_bare"] == 1
    # Every pass over the same samples is charged the same.
    charged = [
        rows[what]["TFLOP_per_s"] * rows[what]["seconds"] for what in ("bare", "engine, sgd", "forward")
    ]
    assert charged == pytest.approx([charged[0]] * 3)


def test_what_is_left_out_is_really_left_out():
    work = Gradients(Device("cpu"), arguments().parse_args([*TINY, "--dtype", "float32"]))
    norms = [module for module in work.model.modules() if type(module).__name__ == "LlamaRMSNorm"]
    assert all("forward" in vars(norm) for norm in norms) and len(norms) == 5
    with written_norms(work.model):
        assert not any("forward" in vars(norm) for norm in norms)
    assert all("forward" in vars(norm) for norm in norms)
    with several_kernels():
        assert gradients.one_kernel(torch.device("cuda", 0)) is projection.one_kernel(None) is None
    assert gradients.one_kernel is projection.one_kernel is one_kernel
    with attention_mask():
        assert train.needed("mask", work.model) == "mask"
    with no_overlap():
        assert local.overlapped is in_a_row


def test_lengths_have_a_long_tail():
    options = arguments().parse_args([])
    lengths = sorted(map(len, samples(options)))
    assert 250 < sum(lengths) / len(lengths) < 320
    assert lengths[len(lengths) // 2] < 280 and lengths[-1] > 900


def test_a_part_that_fails_loses_nothing_of_the_others(tmp_path, monkeypatch):
    def fails(*given, **more):
        raise RuntimeError("no such thing here")

    monkeypatch.setattr("benchmarks.device.build", fails)
    monkeypatch.setattr("benchmarks.device.Gradients.compared", fails)
    monkeypatch.setattr("benchmarks.device.Gradients.swept", fails)
    main([*TINY, "--output", str(tmp_path)])
    rows = {row["what"]: row for row in json.loads((tmp_path / "device.json").read_text())["rows"]}
    assert rows["build of the demo"]["failed"] == "RuntimeError: no such thing here"
    assert rows["exact neighbours"]["per_s"] > 0 and "failed" not in rows["against float32"]


def test_left_alone_it_is_llama_8b():
    options = arguments().parse_args([])
    plan = planned(options, Device("cpu"), Workload())
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
        device = Device("cuda")
        assert device.peaks["bfloat16"] == device.peaks["float16"] == peak
        assert (device.hardware is None) == (peak is None)
    assert Device("cuda", tflops=1000.0).peaks["bfloat16"] == 1000
    monkeypatch.setattr("torch.cuda.get_device_name", lambda device: "NVIDIA H100 80GB HBM3")
    assert Device("cuda").hardware == Hardware()  # what a plan takes for granted
