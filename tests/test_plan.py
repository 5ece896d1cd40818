"""What a build will cost: against real models of the same configuration, and against figures worked out by hand."""

import json
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import LlamaConfig, LlamaForCausalLM, MixtralConfig, MixtralForCausalLM

from g2is.cli import main
from g2is.cli.plan import describe
from g2is.config import REGIMES, BuildConfig, Hardware, LoraSettings, ModelConfig, Settings, Workload
from g2is.graph import neighbors
from g2is.lm.gradients import GradientEngine
from g2is.lm.layers import piece_sizes
from g2is.lm.model import add_adapter, train_own_weights
from g2is.lm.projection import NoProjection
from g2is.lm.shape import read_shape
from g2is.lm.text import Encoded
from g2is.lm.train import sample_losses, trainable
from g2is.pipeline.cost import HELD_BYTES, Plan
from tests.test_config import least_and_most, numbers
from tests.tiny import ARCHITECTURES, save_tiny_model, write_pool

LLAMA = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "vocab_size": 128256,
    "max_position_embeddings": 131072,
    "tie_word_embeddings": False,
    "rms_norm_eps": 1e-05,
}
# The configurations published with the models.
LLAMA_8B = {
    **LLAMA,
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
}
LLAMA_70B = {
    **LLAMA,
    "hidden_size": 8192,
    "intermediate_size": 28672,
    "num_hidden_layers": 80,
    "num_attention_heads": 64,
    "num_key_value_heads": 8,
}


def planned(folder: Path, config: dict, work: Workload | None = None, **settings) -> Plan:
    (folder / "config.json").write_text(json.dumps(config))
    model = ModelConfig(model=str(folder), **settings)
    shape = read_shape(model, LoraSettings())
    return Plan(
        shape,
        BuildConfig(model=model).resolve(shape.hidden_size, shape.positions),
        work or Workload(samples=270_000, tokens=300),
        Hardware(),
    )


def test_llama_8b_and_270_000_samples(tmp_path):
    plan = planned(tmp_path, LLAMA_8B)
    assert plan.shape.parameters == 8_030_261_248  # as published
    assert plan.trained == 109_051_904
    _, gradients, neighbors = plan.stages
    assert gradients.flop == pytest.approx(2.5e18, rel=0.05)
    # 53 minutes at 790 TFLOP/s, and exact neighbours of 270,000 x 8,192 are 1.2e15 FLOP a regime.
    fast = Plan(
        plan.shape,
        plan.config,
        plan.work,
        Hardware(tflops=790, tf32_tflops=790, float32_tflops=790, peak_share=1, bandwidth=1000),
    )
    assert fast.stages[1].hours * 60 == pytest.approx(53, rel=0.05)
    assert neighbors.flop == pytest.approx(3 * 1.2e15, rel=0.01)
    assert plan.weights_bytes == 2 * 8_030_261_248 + 4 * 109_051_904
    # 270,000 rows of 8,192 halves: 4.4 GB; 50 neighbours and 10 conflicts of 8 bytes: 0.13 GB.
    assert plan.regime_bytes / 1e9 == pytest.approx(4.42 + 0.13 + 0.108, abs=0.01)


def test_llama_70b_needs_4_bits_to_fit(tmp_path):
    plan = planned(tmp_path, LLAMA_70B)
    assert plan.shape.parameters == 70_553_706_496
    assert plan.weights_bytes > 141e9  # more than an H200 has
    model = plan.config.model.replace(load_in_4bit=True)
    small = Plan(plan.shape, plan.config.replace(model=model), plan.work, plan.hardware)
    assert 38e9 < small.weights_bytes < 45e9
    assert plan.stages[1].flop == pytest.approx(
        2.27e19, rel=0.01
    )  # 81 M tokens x 4 x 68.5 B weights, and a little


def test_a_batch_takes_what_its_parts_do(tmp_path):
    """Llama 8B, rank 128, 4,096 tokens of 300 a sample, worked out part by part: 355 ms on an H100."""
    plan = planned(tmp_path, LLAMA_8B, Workload(samples=4096, tokens=300, validation_samples=2))
    batches = (4096 + 2) * 300 / 4096
    assert plan.stages[1].hours * 3600 / batches == pytest.approx(0.355, rel=0.01)
    peak = Hardware(peak_share=1)
    model = 4096 * (plan.flop_per_token - plan.lora_flop_per_token) / (peak.tflops * 1e12)
    lora = 4096 * plan.lora_flop_per_token / (peak.tf32_tflops * 1e12)
    # The adapter: twelve bytes for each of 851,968 numbers in and out, beside its arithmetic.
    moved = 4096 * (plan.moved_per_token + 12 * 851_968) / (peak.bandwidth * 1e12)
    # A sample's gradient: written, gathered in sectors of 32 bytes; averages and places once for eight samples.
    sketched = 4096 / 300 * 109_051_904 * (4 + 32 + (32 + 32 + 4 + 1) / 8) / (peak.bandwidth * 1e12)
    parts = [model, lora, moved, sketched]
    assert [1000 * part / 0.65 for part in parts] == pytest.approx([186, 8.3, 129, 30.5], rel=0.02)
    assert sum(parts) / 0.65 == pytest.approx(0.355, rel=0.01)
    plain = plan.config.gradients.replace(parameters="all-linear")
    own = Plan(plan.shape, plan.config.replace(gradients=plain), plan.work, plan.hardware)
    assert own.lora_flop_per_token == 0 and own.moved_per_token < plan.moved_per_token


def test_each_stage_is_charged_in_the_precision_that_it_is_computed_in(tmp_path):
    """What a change of one peak alone changes."""

    def slower(peak: str, *, gradients: dict | None = None, **model) -> set[str]:
        plan = planned(tmp_path, LLAMA_8B, **model)
        config = plan.config.replace(gradients=plan.config.gradients.replace(**gradients or {}))
        half = Hardware(**{peak: getattr(plan.hardware, peak) / 2})
        fast, slow = (Plan(plan.shape, config, plan.work, hardware) for hardware in (plan.hardware, half))
        return {b.name for a, b in zip(fast.stages, slow.stages, strict=True) if b.hours > a.hours}

    every = {"warm-up", "gradients", "neighbours"}
    assert slower("tflops") == every
    assert slower("tf32_tflops") == {"gradients"}
    assert slower("float32_tflops") == {"warm-up"}
    precise = {"store_dtype": "float32"}
    assert slower("float32_tflops", gradients=precise) == {"warm-up", "neighbours"}
    assert slower("tflops", dtype="float32") == {"neighbours"}
    assert slower("tf32_tflops", dtype="float32") == slower("tf32_tflops", device="cpu") == set()
    assert slower("float32_tflops", device="cpu") == every
    own = {"parameters": "all-linear"}
    assert slower("float32_tflops", gradients=own) == {"warm-up"}
    assert slower("tflops", gradients=own) == {"gradients", "neighbours"}


def test_sketches_are_charged_as_the_kernels_that_make_them(tmp_path):
    plan = planned(tmp_path, LLAMA_8B)

    def charged(tokens: float = 300, device: str = "auto", **gradients) -> float:
        config = plan.config.replace(
            gradients=plan.config.gradients.replace(**gradients),
            model=plan.config.model.replace(device=device),
        )
        return Plan(plan.shape, config, Workload(tokens=tokens), plan.hardware).sketch_bytes

    assert charged() == 4 + 32 + 69 / 8
    assert charged(regimes=("sgd",)) == 4 + 32 + 5 / 8
    assert charged(regimes=("adam",)) == charged()  # one pass gives both sketches
    assert charged(tokens=1500) == 4 + 32 + 69 / 2 and charged(tokens=5000) == 4 + 32 + 69  # small batches
    assert charged(parameters="full") == 4 + 32 + 69 / 2  # pieces of four million coordinates
    assert charged(device="cpu") == charged(projection="rademacher") == 24 * 4
    assert charged(device="cpu", regimes=("sgd",)) == 6 * 4


def test_what_one_copy_cannot_share_is_not_divided(tmp_path):
    plan = planned(tmp_path, LLAMA_70B)

    def on(devices: int, **options) -> Plan:
        return Plan(plan.shape, plan.config, plan.work, Hardware(devices=devices, **options))

    one = on(1)
    assert one.least_devices == 5 == -(-max(one.warmup_bytes, one.gradients_bytes) // 72e9)
    assert "needs at least 5: more --devices" in describe(one)
    for devices, replicas in ((1, 1), (5, 1), (9, 1), (10, 2), (64, 12)):
        several = on(devices)
        assert several.replicas == replicas
        assert several.stages[0].hours == one.stages[0].hours
        assert several.stages[1].hours == pytest.approx(one.stages[1].hours / replicas)
        assert several.stages[2].hours == pytest.approx(one.stages[2].hours / devices)
    assert "at least 5 (--device-map auto" in describe(on(8)) and "1 copy of it computes" in describe(on(8))
    assert on(8, memory=141).least_devices == 3 and on(8, memory=1e6).least_devices == 1


def test_the_warm_up_of_a_large_pool_is_capped_and_that_is_said(tmp_path):
    plan = planned(tmp_path, LLAMA_8B, Workload(samples=10_000_000, tokens=300))
    large = planned(tmp_path, LLAMA_8B, Workload(samples=270_000, tokens=300))
    assert plan.stages[0].hours == large.stages[0].hours
    assert "on 13,500 instructions, fewer than 0.05 of the pool: --warmup-most" in describe(plan)
    assert "--warmup-most" not in describe(large)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_shape_is_that_of_the_model_itself(architecture, tmp_path):
    model = ARCHITECTURES[architecture]()
    model.config.save_pretrained(tmp_path)
    shape = read_shape(ModelConfig(model=str(tmp_path)), LoraSettings())
    assert shape.parameters == sum(parameter.numel() for parameter in model.parameters())
    adapted = add_adapter(model.requires_grad_(False), LoraSettings(rank=3, alpha=1.0), seed=0)
    assert shape.adapter(3) == sum(parameter.numel() for parameter in trainable(adapted).values())


def test_a_token_passes_only_some_experts(tmp_path):
    config = MixtralConfig(
        vocab_size=50, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, num_local_experts=8, num_experts_per_tok=2,
    )  # fmt: skip
    config.save_pretrained(tmp_path)
    shape = read_shape(ModelConfig(model=str(tmp_path)), LoraSettings())
    assert shape.parameters == sum(p.numel() for p in MixtralForCausalLM(config).parameters())
    expert, attention = 3 * 16 * 24, 16 * (16 + 8 + 8 + 16)
    assert shape.experts == 2 * 8 * expert and shape.experts_seen == 0.25
    assert 0 <= shape.multiplied - 2 * (2 * expert + attention) <= 2 * 16 * 8  # the router may count too


def test_floating_point_operations_are_those_that_torch_counts(tmp_path):
    config = LlamaConfig(
        vocab_size=300, hidden_size=64, intermediate_size=160, num_hidden_layers=8, num_attention_heads=4,
        num_key_value_heads=2, attn_implementation="eager",
    )  # fmt: skip
    length = 40
    work = Workload(samples=1, tokens=length, trained_share=0.5)
    plan = planned(tmp_path, config.to_dict(), work)
    torch.manual_seed(0)
    lora = plan.config.lora.replace(dropout=0.0)
    model = add_adapter(LlamaForCausalLM(config).requires_grad_(False).eval(), lora, seed=0)
    sample = Encoded(torch.randint(1, 300, (length,)).numpy(), torch.arange(length).numpy() >= length // 2)
    engine = GradientEngine(model, NoProjection({n: p.numel() for n, p in trainable(model).items()}))
    with FlopCounterMode(display=False) as counter:
        engine([sample])
    assert plan.trained == sum(parameter.numel() for parameter in engine._names)
    # The counted kernel multiplies what causal attention then masks: twice as much as is needed.
    wasted = 3 * 2 * length * 64 * 8
    expected = (plan.flop_per_token + wasted) * length
    assert counter.get_total_flops() == pytest.approx(expected, rel=0.06)


@pytest.mark.parametrize("parameters", ["all-linear", "full"])
def test_gradients_of_a_models_own_weights_cost_what_torch_counts(parameters, tmp_path):
    config = LlamaConfig(
        vocab_size=300, hidden_size=64, intermediate_size=160, num_hidden_layers=4, num_attention_heads=4,
        num_key_value_heads=2, attn_implementation="eager",
    )  # fmt: skip
    length = 40
    plan = planned(tmp_path, config.to_dict(), Workload(samples=1, tokens=length, trained_share=0.5))
    gradients = plan.config.gradients.replace(parameters=parameters)
    plan = Plan(plan.shape, plan.config.replace(gradients=gradients), plan.work, plan.hardware)
    torch.manual_seed(0)
    model = train_own_weights(LlamaForCausalLM(config).eval(), parameters)
    sample = Encoded(torch.randint(1, 300, (length,)).numpy(), torch.arange(length).numpy() >= length // 2)
    engine = GradientEngine(model, NoProjection(piece_sizes(trainable(model))))
    assert plan.trained == sum(parameter.numel() for parameter in engine._names)
    with FlopCounterMode(display=False) as counter:
        engine([sample])
    wasted = 3 * 2 * length * 64 * 4
    assert counter.get_total_flops() == pytest.approx((plan.flop_per_token + wasted) * length, rel=0.08)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_memory_of_a_batch_is_about_what_autograd_keeps(dtype, tmp_path):
    config = LlamaConfig(
        vocab_size=500, hidden_size=128, intermediate_size=448, num_hidden_layers=3, num_attention_heads=4,
        num_key_value_heads=1,
    )  # fmt: skip
    plan = planned(tmp_path, config.to_dict(), Workload(samples=1, tokens=100), dtype=dtype)
    model = LlamaForCausalLM(config).to(getattr(torch, dtype)).requires_grad_(False).eval()
    model = add_adapter(model, plan.config.lora, seed=0)
    samples = [Encoded(torch.randint(1, 500, (100,)).numpy(), torch.arange(100).numpy() >= 50)] * 4
    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
    kept = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        sample_losses(model, samples)
    found = sum(t.untyped_storage().nbytes() for at, t in kept.items() if at not in weights)
    expected = plan.activations_bytes * 400 / plan.config.gradients.batch_tokens
    assert 0.6 < expected / found < 1.7


def test_settings_move_the_cost_as_they_should(tmp_path):
    plan = planned(tmp_path, LLAMA_8B)

    def changed(**sections: dict) -> Plan:
        values = {name: getattr(plan.config, name).replace(**fields) for name, fields in sections.items()}
        return Plan(plan.shape, plan.config.replace(**values), plan.work, plan.hardware)

    sgd = changed(gradients={"regimes": ("sgd",)})
    assert sgd.hours < plan.hours and sgd.gradients_bytes < plan.gradients_bytes
    assert sgd.disk_bytes < plan.disk_bytes / 2
    assert changed(warmup={"epochs": 0}).stages[0].hours == 0
    assert changed(lora={"rank": 16}).trained == plan.trained / 8
    assert changed(gradients={"batch_tokens": 1024}).activations_bytes < plan.activations_bytes / 3
    white = changed(gradients={"regimes": (*plan.config.regimes, "whitened")})
    assert [stage.name for stage in white.stages][
        -1
    ] == "whitening" and "whitening  on the host: 2.1 GB" in describe(white)
    n, d = plan.work.samples, 8192
    assert white.stages[-1].flop == pytest.approx(6 * n * d**2 + 9 * d**3)
    assert white.stages[2].hours == pytest.approx(plan.stages[2].hours * 4 / 3)
    assert white.gradients_bytes == plan.gradients_bytes  # the same backward pass
    four = changed(gradients={"checkpoints": 4})
    assert four.stages[1].hours == pytest.approx(4 * plan.stages[1].hours)
    ranking = 3 * 40 * n**2 / (0.65 * 3.35e12) / 3600  # does not grow

    def reading(plan: Plan, blocks: int) -> float:
        """Hours for all rows, once a block: of rows four times as wide a block on a GPU has a quarter."""
        return 3 * 2 * plan.width * n * blocks / (plan.hardware.reading * 1e12) / 3600

    products = [
        one.stages[2].hours - ranking - reading(one, blocks) for one, blocks in ((plan, 2), (four, 5))
    ]
    assert products[1] == pytest.approx(4 * products[0])
    assert four.stages[0].hours == plan.stages[0].hours  # one training
    assert 3.5 < four.disk_bytes / plan.disk_bytes < 4 and "at 4 checkpoints" in describe(four)
    for one in (plan, four):  # no array is on the disk twice
        assert one.building_bytes == one.disk_bytes and "while it is built" not in describe(one)
    rough = changed(gradients={"checkpoints": 4, "store_dtype": "int8"})
    assert rough.building_bytes - rough.state_bytes == 3 * n * (3 * d * 2)  # three of four wait, in two bytes
    assert f"while it is built {rough.building_bytes / 1e9:,.1f}" in describe(rough)
    eight = Plan(plan.shape, plan.config, plan.work, Hardware(devices=8))
    assert eight.stages[0].hours == plan.stages[0].hours  # one training
    assert eight.stages[1].hours == pytest.approx(plan.stages[1].hours / 8)


def test_the_command_needs_no_weights(tmp_path, capsys):
    (tmp_path / "config.json").write_text(json.dumps(LLAMA_8B))
    assert main(["plan", "--model", str(tmp_path), "--samples", "270000", "--tokens", "300"]) == 0
    said = capsys.readouterr().out
    assert "8.03 B parameters" in said and "gradients of 109 M (LoRA, rank 128)" in said
    assert "270,000 samples x 300 tokens = 81 M tokens" in said
    assert "gradients    2.4e+18" in said and "all          2.9e+18" in said


def test_the_command_counts_the_tokens_of_files(tmp_path, capsys):
    model = save_tiny_model(tmp_path / "model")
    (model / "model.safetensors").unlink()
    pool = write_pool(tmp_path / "pool.jsonl", 30)
    target = write_pool(tmp_path / "target.jsonl", 7)
    arguments = ["plan", "--model", str(model), "--train", str(pool), "--validation", f"words={target}"]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    # One token a byte: "<|user|>\n0: turn abc\n<|assistant|>\ncba</s>\n" is 40 to 50.
    assert "30 samples x 4" in said and "7 validation examples" in said
    assert main([*arguments, "--tokens", "1000", "--samples", "5"]) == 0
    assert "5 samples x 1,000 tokens" in capsys.readouterr().out


def test_the_command_counts_replies_that_are_not_trained(tmp_path, capsys):
    model = save_tiny_model(tmp_path / "model")
    turns = [("user", "a?"), ("assistant", "no"), ("user", "b?"), ("assistant", "yes")]
    record = {"messages": [{"role": role, "content": text} for role, text in turns]}
    record["messages"][1]["weight"] = 0
    (tmp_path / "pool.jsonl").write_text(json.dumps(record) + "\n")
    assert main(["plan", "--model", str(model), "--train", str(tmp_path / "pool.jsonl")]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[-1] == "replies    of 1 samples: 1 reply not trained: the file excludes them"


@pytest.mark.parametrize("end", [0, 1])
def test_the_least_and_the_most_of_everything_can_be_planned(tmp_path, end):
    plan = planned(tmp_path, LLAMA_8B)

    def changed(settings: Settings) -> Settings:
        fields = numbers(type(settings))
        return settings.replace(**{name: least_and_most(field)[end] for name, field in fields.items()})

    # Of all regimes, so that their own numbers count, too.
    config = plan.config.replace(gradients=plan.config.gradients.replace(regimes=REGIMES))
    config = config.replace(
        **{name: changed(getattr(config, name)) for name in ("lora", "warmup", "gradients", "graph")}
    )
    plan = Plan(plan.shape, config, changed(plan.work), changed(plan.hardware))
    assert max(plan.hours, plan.warmup_bytes, plan.gradients_bytes, plan.building_bytes) < 1e300
    assert "inf" not in describe(plan) and "nan" not in describe(plan)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--model", "nowhere"], "nowhere"),
        (["--model", "m", "--tokens", "0"], "tokens = '0': expected greater than or equal to 1"),
        (
            ["--model", "m", "--peak-share", "40"],
            "--peak-share = '40': expected less than or equal to 1; 40 % is 0.4",
        ),
    ],
)
def test_wrong_input_is_one_line(arguments, expected, capsys, tmp_path):
    assert main(["plan", *arguments]) == 2
    said = capsys.readouterr().err.strip()
    assert expected in said and said.startswith("error: ") and "\n" not in said


def test_blocks_are_counted_as_they_are_computed():
    assert HELD_BYTES == neighbors.HELD_BYTES
