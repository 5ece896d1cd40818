"""Models of many architectures: loaded, adapted in their text part, and differentiated as autograd does it."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from peft import LoraConfig, PromptTuningConfig, get_peft_model
from transformers import LlamaForCausalLM

from g2is.cli import main
from g2is.config import LoraSettings, ModelConfig
from g2is.errors import InputError
from g2is.lm.model import add_adapter, inspect_model, load_model, train_own_weights
from g2is.lm.shape import read_shape
from g2is.lm.source import auto_class
from g2is.lm.text_part import text_part
from g2is.lm.tokenizer import load_tokenizer
from g2is.lm.train import sample_losses, train_adapter, trainable
from tests.architectures import CONFIGURATIONS, LATENT, SEEING, random_model
from tests.test_gradients import autograd_gradients, engine_rows, relative_error
from tests.tiny import byte_tokenizer, random_samples, save_tiny_model, write_pool

ALL_LINEAR = ("all-linear",)


def adapted(name: str, targets: tuple[str, ...] | None = None):
    model = random_model(name)
    model = add_adapter(model, LoraSettings(rank=2, alpha=4.0, dropout=0.1, target_modules=targets), seed=0)
    with torch.no_grad():
        for parameter_name, parameter in model.named_parameters():
            if "lora_B" in parameter_name:
                parameter.normal_(std=0.05)
    return model.eval()


def adapted_names(model) -> set[str]:
    return {name.split(".lora_")[0].removeprefix("base_model.model.") for name in trainable(model)}


def error_against_autograd(model, count: int = 4) -> float:
    """Relative error of a batch's gradients, the largest over its samples and over their losses."""
    samples = random_samples(count, longest=40)
    reference, losses = autograd_gradients(model, samples)
    assert np.linalg.norm(reference, axis=1).min() > 0
    model.zero_grad()
    rows = engine_rows(model, samples, 10_000)
    return max(relative_error(rows["sgd"], reference), float(np.abs(rows["loss"] / losses - 1).max()))


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_batched_gradients_equal_a_loop_over_samples(name):
    assert error_against_autograd(adapted(name)) < 1e-5


@pytest.mark.parametrize("name", [*LATENT, *SEEING, "qwen3_next", "llama4_text", "opt", "mixtral"])
def test_batched_gradients_of_all_linear_layers_equal_a_loop_over_samples(name):
    model = random_model(name)
    inside = text_part(model)
    linear = {n for n, m in inside.items() if type(m) is torch.nn.Linear} - {"lm_head"}
    model = adapted(name, ALL_LINEAR)
    assert adapted_names(model) == linear
    assert error_against_autograd(model) < 1e-5


@pytest.mark.parametrize("name", LATENT)
def test_latent_attention_is_adapted_whole(name):
    last = {layer.split(".")[-1] for layer in adapted_names(adapted(name))}
    queries = {"q_proj"} if name == "deepseek_v2_lite" else {"q_a_proj", "q_b_proj"}
    assert last == queries | {"kv_a_proj_with_mqa", "kv_b_proj", "o_proj"}


@pytest.mark.parametrize("targets", [None, ALL_LINEAR, ("q_proj", "v_proj")])
@pytest.mark.parametrize("name", SEEING)
def test_only_the_text_part_gets_adapters(name, targets):
    model = random_model(name)
    seeing = [
        layer for layer, _ in model.named_modules() if layer.endswith("q_proj") and "language" not in layer
    ]
    assert seeing or name.startswith("qwen")  # there are layers of the same name that must stay as they are
    names = adapted_names(adapted(name, targets))
    assert names and all(".language_model." in layer for layer in names)
    if targets == ("q_proj", "v_proj"):
        assert {layer.split(".")[-1] for layer in names} == set(targets)


@pytest.mark.parametrize("parameters", ["all-linear", "full"])
@pytest.mark.parametrize("name", ["minicpm3", "gemma3", "qwen2_5_vl", "qwen3_vl", "mistral3"])
def test_own_weights_are_those_of_the_text_part(name, parameters):
    model = train_own_weights(random_model(name), parameters)
    assert not [weight for weight in trainable(model) if "vision" in weight or "visual" in weight]
    assert error_against_autograd(model, count=2) < 1e-5


@pytest.mark.parametrize("name", ["gemma3", "mistral3", "qwen2_5_vl", "qwen3_vl", "minicpm3"])
def test_a_model_in_files_is_loaded_whole_and_can_be_trained(name, tmp_path):
    random_model(name).save_pretrained(tmp_path)
    config = ModelConfig(model=str(tmp_path), dtype="float32")
    card = inspect_model(config)
    model = load_model(config, card)
    samples = random_samples(3, longest=20)
    torch.testing.assert_close(sample_losses(model, samples), sample_losses(random_model(name), samples))
    shape = read_shape(config, LoraSettings())
    assert shape.parameters == sum(parameter.numel() for parameter in model.parameters())
    assert (card.vocabulary, card.hidden_size) == (97, 32)
    model = add_adapter(model, LoraSettings(rank=2, alpha=4.0), seed=0)
    assert shape.adapter(2) == sum(parameter.numel() for parameter in trainable(model).values())
    losses: list[float] = []
    train_adapter(
        model, samples, epochs=3, learning_rate=0.05, schedule_warmup=0, batch_size=3, batch_tokens=1000,
        seed=0, on_step=losses.append,
    )  # fmt: skip
    assert losses[-1] < losses[0]


def test_weights_go_straight_to_their_device(tmp_path, monkeypatch):
    random_model("olmo2").save_pretrained(tmp_path)
    config = ModelConfig(model=str(tmp_path), dtype="float32")
    card = inspect_model(config)
    plain = load_model(config, card)
    original, given = auto_class(plain.config).from_pretrained, []

    def here(*arguments, device_map=None, **options):
        given.append(device_map)
        return original(*arguments, device_map={"": "cpu"}, **options)  # this device in place of that one

    monkeypatch.setattr(auto_class(plain.config), "from_pretrained", here)
    placed = load_model(config, replace(card, device="cuda:1"))
    assert given == [{"": "cuda:1"}]
    assert not any(
        hasattr(module, "_hf_hook") for module in placed.modules()
    )  # nothing moves what it computes with
    torch.testing.assert_close(dict(placed.named_parameters()), dict(plain.named_parameters()))
    samples = random_samples(3)
    torch.testing.assert_close(sample_losses(placed, samples), sample_losses(plain, samples))


def test_an_unknown_layer_is_named_with_those_that_there_are():
    for targets in (("nothing",), ("q_proj", "nothing"), ("proj",)):
        with pytest.raises(InputError, match=f"no layer is named '{targets[-1]}'; expected .* q_proj"):
            adapted("olmo2", targets)
    with pytest.raises(InputError, match="no layer is named 'all-linear'; expected all-linear alone"):
        adapted("olmo2", ("q_proj", "all-linear"))


# Adapters


@pytest.fixture
def tuned(tmp_path):
    """A base model and an adapter of it with weights that are not zero, in two folders."""
    base = save_tiny_model(tmp_path / "base")
    torch.manual_seed(1)
    model = get_peft_model(
        LlamaForCausalLM.from_pretrained(base), LoraConfig(r=2, target_modules=["q_proj", "down_proj"])
    )
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.1)
    model.save_pretrained(tmp_path / "adapter")
    return tmp_path, model.eval()


def test_an_adapter_is_merged_into_its_base(tuned):
    folder, reference = tuned
    config = ModelConfig(model=str(folder / "adapter"), dtype="float32")
    card = inspect_model(config)
    assert str(card) == f"the adapter merged into {folder / 'base'}, float32 on {card.device}"
    merged = load_model(config, card)
    assert type(merged) is LlamaForCausalLM and not trainable(merged)
    samples = random_samples(3, longest=20)
    torch.testing.assert_close(sample_losses(merged, samples), sample_losses(reference, samples))
    with pytest.raises(AssertionError):
        base = LlamaForCausalLM.from_pretrained(folder / "base")
        torch.testing.assert_close(sample_losses(merged, samples), sample_losses(base, samples))
    assert len(load_tokenizer(config)) == len(byte_tokenizer())


def test_an_adapters_own_tokenizer_is_used(tuned):
    folder, _ = tuned
    byte_tokenizer("{% for m in messages %}{{ m.content }}{% endfor %}").save_pretrained(folder / "adapter")
    assert load_tokenizer(ModelConfig(model=str(folder / "adapter"))).chat_template
    assert not load_tokenizer(ModelConfig(model=str(folder / "base"))).chat_template


def test_the_fingerprint_covers_adapter_and_base(tuned):
    folder, _ = tuned
    config = ModelConfig(model=str(folder / "adapter"))
    prints = [inspect_model(ModelConfig(model=str(folder / "base"))).fingerprint]
    for changed in (None, "adapter/adapter_config.json", "base/tokenizer_config.json"):
        if changed:
            (folder / changed).write_text((folder / changed).read_text() + "\n")
        prints.append(inspect_model(config).fingerprint)
    assert len(set(prints)) == 4


def test_a_merged_folder_with_a_stale_adapter_configuration_is_a_model(tuned):
    folder, _ = tuned
    (folder / "base" / "adapter_config.json").write_text("{}")
    assert inspect_model(ModelConfig(model=str(folder / "base"))).source.adapter is None


def test_adapters_that_cannot_be_merged_are_rejected_in_one_line(tuned):
    folder, model = tuned
    adapter = folder / "adapter"
    written = json.loads((adapter / "adapter_config.json").read_text())

    def rejected(match: str, load_in_4bit: bool = False, **changes) -> None:
        (adapter / "adapter_config.json").write_text(json.dumps({**written, **changes}))
        config = ModelConfig(model=str(adapter), load_in_4bit=load_in_4bit)
        with pytest.raises(InputError, match=match) as caught:
            load_model(config, inspect_model(config))
        assert "\n" not in str(caught.value)

    rejected("names no base model", base_model_name_or_path=None)
    rejected(
        "gone, the base model that the adapter .* set base_model_name_or_path", base_model_name_or_path="gone"
    )
    rejected("is an adapter, too", base_model_name_or_path=str(adapter))
    rejected("missing adapter keys .* trained on this base", target_modules=["q_proj", "down_proj", "k_proj"])
    rejected("Target modules .* trained on this base", target_modules=["c_attn"])
    (adapter / "adapter_model.safetensors").unlink()
    rejected("adapter.* trained on this base")
    prompts = get_peft_model(model.unload(), PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=2))
    prompts.save_pretrained(folder / "prompts")
    with pytest.raises(InputError, match="PROMPT_TUNING has no weights to merge"):
        inspect_model(ModelConfig(model=str(folder / "prompts")))


def test_4_bits_are_not_merged_into(tuned, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    with pytest.raises(InputError, match="cannot be merged into weights of 4 bits"):
        inspect_model(ModelConfig(model=str(tuned[0] / "adapter"), load_in_4bit=True))


# A tokenizer with more tokens than the embedding has rows


@pytest.fixture
def larger(tmp_path):
    """A model whose tokenizer has 2 tokens more, and a pool and validation examples, of which some use the first."""
    folder = save_tiny_model(tmp_path / "model")
    tokenizer = byte_tokenizer()
    tokenizer.add_tokens(["<|turn|>", "<|image|>"])
    tokenizer.save_pretrained(folder)
    write_pool(tmp_path / "pool.jsonl", 60)
    write_pool(tmp_path / "validation.jsonl", 4, seed=1)
    return tmp_path


def cli_arguments(folder, command: str) -> list[str]:
    files = ["--train", str(folder / "pool.jsonl"), "--validation", f"v={folder / 'validation.jsonl'}"]
    run = ["--run", "r", "--cache", str(folder / "cache"), "--umap", "off"] if command == "build" else []
    return [command, *run, "--model", str(folder / "model"), *files]


@pytest.mark.parametrize("command", ["build", "plan"])
@pytest.mark.parametrize("place", ["pool", "validation"])
def test_a_token_without_an_embedding_is_one_line_before_the_model_is_loaded(
    larger, command, place, capsys, monkeypatch
):
    if (command, place) == ("plan", "validation"):
        pytest.skip("plan tokenizes the pool alone")
    path = larger / f"{place}.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    lines[2] = lines[2].replace("turn", "<|turn|>")
    path.write_text("".join(lines))
    monkeypatch.setattr("g2is.lm.lazy.load_model", lambda *_: pytest.fail("the model was loaded"))
    assert main(cli_arguments(larger, command)) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert f"writes token 258, '<|turn|>', in 1 of {64 if command == 'build' else 60} instructions" in error
    assert f"first {place}.jsonl:3, and the embedding has 258 rows" in error
    assert not (larger / "cache" / "r").exists()


def test_tokens_that_no_instruction_uses_do_no_harm(larger):
    assert main(cli_arguments(larger, "build")) == 0


def test_a_batch_with_such_a_token_is_one_line():
    samples = random_samples(2)
    samples[1].input_ids[3] = 97
    with pytest.raises(
        InputError, match="tokenizer is larger than the model's embedding: token 97, and 97 rows"
    ):
        sample_losses(adapted("olmo2"), samples)
