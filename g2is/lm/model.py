"""Load a causal language model and give it a LoRA adapter."""

from __future__ import annotations

import importlib.util
import warnings
from dataclasses import dataclass
from typing import Any
from unittest import mock

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners.lora import LoraLayer
from transformers import BitsAndBytesConfig
from transformers.utils import logging

from g2is.config import LoraSettings, ModelConfig
from g2is.errors import InputError
from g2is.lm.source import (
    ModelSource,
    auto_class,
    find_source,
    fingerprint,
    read_configuration,
    readable,
)
from g2is.lm.text_part import ALL_LINEAR, adapted_layers, linear_layers, text_part

# The build shows its own progress, which the library's bars and notices would interrupt.
logging.disable_progress_bar()
logging.set_verbosity_error()
warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")
warnings.filterwarnings("ignore", message="fan_in_fan_out is set to False", module="peft")

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True)
class ModelCard:
    """A model before its weights are loaded."""

    source: ModelSource
    hidden_size: int
    positions: int | None
    vocabulary: int
    fingerprint: str
    device: str
    dtype: str

    def __str__(self) -> str:
        placed = f"{self.dtype} on {self.device}"
        return f"{self.source}, {placed}" if self.source.adapter else placed


def inspect_model(config: ModelConfig) -> ModelCard:
    """Read a model's configuration, choose device and dtype, and make its fingerprint.

    Raises `InputError` where the model cannot be found or read, the device is missing, or 4-bit
    loading is asked for without bitsandbytes or of an adapter.
    """
    source = find_source(config.model)
    configuration = read_configuration(source, config)
    with readable(source.base):
        text = configuration.get_text_config()
        hidden_size, vocabulary = text.hidden_size, text.vocab_size
    device = _device(config.device)
    if config.load_in_4bit and importlib.util.find_spec("bitsandbytes") is None:
        raise InputError("load_in_4bit needs bitsandbytes, which is not installed: pip install bitsandbytes")
    if config.load_in_4bit and source.adapter:
        raise InputError(
            f"load_in_4bit: the adapter {source.adapter} cannot be merged into weights of 4 bits without loss; "
            "load it without load_in_4bit, or give the folder of the merged model"
        )
    return ModelCard(
        source=source,
        hidden_size=hidden_size,
        positions=getattr(text, "max_position_embeddings", None),
        vocabulary=vocabulary,
        fingerprint=fingerprint(source, configuration),
        device=device,
        dtype=_dtype(config.dtype, device),
    )


def load_model(config: ModelConfig, card: ModelCard) -> Any:
    """The frozen base model on its device, in eval mode, from safetensors only; an adapter is merged into it."""
    source = card.source
    configuration = read_configuration(source, config)
    placed: dict[str, Any] = (
        {
            "quantization_config": BitsAndBytesConfig(
                load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=DTYPES[card.dtype]
            ),
        }
        if config.load_in_4bit
        else {}
    )
    if config.device_map:
        placed["device_map"] = config.device_map
    elif card.device != "cpu" or config.load_in_4bit:
        # Tensor by tensor from the files to the device: several processes would hold as many copies in memory.
        placed["device_map"] = {"": card.device}
    with readable(source.base):
        model, report = auto_class(configuration).from_pretrained(
            source.base,
            dtype=DTYPES[card.dtype],
            trust_remote_code=config.trust_remote_code,
            use_safetensors=True,
            output_loading_info=True,
            **placed,
        )
    # transformers would leave tensors that no file holds at random values.
    if missing := sorted(report["missing_keys"]):
        raise InputError(
            f"model {source.base}: its files lack {len(missing)} tensors that its config.json asks for, "
            f"first {missing[0]}; expected a whole model"
        )
    if source.adapter:
        model = _merged(model, source.adapter)
    model.requires_grad_(False)
    return model.eval()


def _merged(model: Any, adapter: str) -> Any:
    """The model with the adapter's change added to its weights; raises `InputError` where it does not fit the model."""
    with (
        readable(adapter, expected="an adapter that was trained on this base model"),
        warnings.catch_warnings(),
    ):
        # Layers that the file holds nothing for would keep an adapter that changes nothing.
        warnings.filterwarnings("error", message="Found missing adapter keys")
        return PeftModel.from_pretrained(model, adapter).merge_and_unload(safe_merge=True)


def train_own_weights(model: Any, parameters: str) -> Any:
    """Mark a model's own weights as trained: of all linear layers but the output layer (`all-linear`), or `full`.

    Only those of its text part: text has no gradients in what sees images. Raises `InputError` where they are
    quantized.
    """
    if getattr(model, "is_quantized", False):
        raise InputError(f"parameters = {parameters!r}: weights in 4 bits have no gradients; expected lora")
    model.requires_grad_(False)
    layers = linear_layers(model) if parameters == ALL_LINEAR else text_part(model)
    for module in layers.values():
        for parameter in module._parameters.values():
            if parameter is not None:
                parameter.requires_grad_(True)
    return model


def add_adapter(model: Any, settings: LoraSettings, seed: int) -> Any:
    """Add a fresh LoRA adapter to the model; the same seed gives the same adapter."""
    targets = adapted_layers(model, settings.target_modules)
    if settings.rank is None or settings.alpha is None:
        raise ValueError("resolve the settings first")
    torch.manual_seed(seed)
    # PEFT takes names such as gate_proj in a mixture of experts for the experts themselves, as in older versions of
    # transformers, and would adapt those, too.
    as_named = mock.patch("peft.utils.transformers_weight_conversion.convert_peft_config_for_transformers")
    try:
        with as_named:
            return get_peft_model(
                model,
                LoraConfig(
                    r=settings.rank,
                    lora_alpha=settings.alpha,
                    lora_dropout=settings.dropout,
                    target_modules=targets,
                    task_type="CAUSAL_LM",
                ),
            )
    except ValueError as error:
        asked = " ".join(settings.target_modules or ("attention",))
        raise InputError(f"target_modules = {asked}: {str(error).splitlines()[0]}") from None


def reset_adapter(model: Any, seed: int) -> None:
    """Set the model's adapter to fresh weights, ready to be trained; the same seed gives the same adapter.

    Raises `InputError` where the model trains weights of its own instead.
    """
    if not any(isinstance(module, LoraLayer) for module in model.modules()):
        raise InputError("ensemble: trains adapters, and this run takes gradients of the model's own weights")
    torch.manual_seed(seed)
    for module in model.modules():
        if isinstance(module, LoraLayer):
            for adapter in module.lora_A:
                module.reset_lora_parameters(adapter, init_lora_weights=True)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_("lora_" in name)


def _device(name: str) -> str:
    if name in ("auto", "cuda") and torch.cuda.is_available():
        return "cuda"
    if name == "auto":
        return "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        torch.zeros(1, device=name).item()  # the device `meta` makes tensors without content
    except (RuntimeError, AssertionError, ImportError):
        raise InputError(f"device = {name!r}: not available here; expected auto, cpu, cuda or mps") from None
    return name


def _dtype(name: str, device: str) -> str:
    if name != "auto":
        return name
    # Not float16: without loss scaling small gradients would vanish.
    native = device.startswith("cuda") and torch.cuda.is_bf16_supported(including_emulation=False)
    return "bfloat16" if native else "float32"
