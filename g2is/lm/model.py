"""Load a causal language model and give it a LoRA adapter."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from peft.tuners.lora import LoraLayer
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig
from transformers.pytorch_utils import Conv1D
from transformers.utils import logging

from g2is.config import LoraSettings, ModelConfig
from g2is.errors import InputError

# The build shows its own progress, which the library's bars and notices would interrupt.
logging.disable_progress_bar()
logging.set_verbosity_error()
warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")
warnings.filterwarnings("ignore", message="fan_in_fan_out is set to False", module="peft")

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True)
class ModelCard:
    """A model before its weights are loaded."""

    hidden_size: int
    positions: int | None
    fingerprint: str
    device: str
    dtype: str

    def __str__(self) -> str:
        return f"{self.dtype} on {self.device}"


def inspect_model(config: ModelConfig) -> ModelCard:
    """Read a model's configuration, choose device and dtype, and make its fingerprint.

    Raises `InputError` where the model cannot be found or read, the device is missing, or 4-bit
    loading is asked for without bitsandbytes.
    """
    with readable(config.model):
        loaded = AutoConfig.from_pretrained(config.model, trust_remote_code=config.trust_remote_code)
        text = loaded.get_text_config()
        hidden_size = text.hidden_size
    device = _device(config.device)
    if config.load_in_4bit and importlib.util.find_spec("bitsandbytes") is None:
        raise InputError("load_in_4bit needs bitsandbytes, which is not installed: pip install bitsandbytes")
    return ModelCard(
        hidden_size=hidden_size,
        positions=getattr(text, "max_position_embeddings", None),
        fingerprint=_fingerprint(config.model, getattr(loaded, "_commit_hash", None)),
        device=device,
        dtype=_dtype(config.dtype, device),
    )


def load_tokenizer(config: ModelConfig) -> Any:
    """The model's tokenizer, with a padding token; raises `InputError` where it cannot be read."""
    with readable(config.model):
        tokenizer = AutoTokenizer.from_pretrained(config.model, trust_remote_code=config.trust_remote_code)
    if not tokenizer.is_fast:
        raise InputError(
            f"{config.model}: its tokenizer gives no character offsets, which mark the response; "
            "expected a fast tokenizer (tokenizer.json)"
        )
    return tokenizer


def load_model(config: ModelConfig, card: ModelCard) -> Any:
    """The frozen base model on its device, in eval mode, from safetensors only."""
    placed: dict[str, Any] = (
        {
            "quantization_config": BitsAndBytesConfig(
                load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=DTYPES[card.dtype]
            ),
            "device_map": {"": card.device},
        }
        if config.load_in_4bit
        else {}
    )
    if config.device_map:
        placed["device_map"] = config.device_map
    with readable(config.model):
        model, report = AutoModelForCausalLM.from_pretrained(
            config.model,
            dtype=DTYPES[card.dtype],
            trust_remote_code=config.trust_remote_code,
            use_safetensors=True,
            output_loading_info=True,
            **placed,
        )
    # transformers would leave tensors that no file holds at random values.
    if missing := sorted(report["missing_keys"]):
        raise InputError(
            f"model {config.model}: its files lack {len(missing)} tensors that its config.json asks for, "
            f"first {missing[0]}; expected a whole model"
        )
    if not placed:
        model.to(card.device)
    model.requires_grad_(False)
    return model.eval()


def train_own_weights(model: Any, parameters: str) -> Any:
    """Mark a model's own weights as trained: of all linear layers but the output layer (`all-linear`), or `full`.

    Raises `InputError` where they are quantized.
    """
    if getattr(model, "is_quantized", False):
        raise InputError(f"parameters = {parameters!r}: weights in 4 bits have no gradients; expected lora")
    model.requires_grad_(parameters == "full")
    if parameters == "all-linear":
        output = model.get_output_embeddings()
        for module in model.modules():
            if isinstance(module, torch.nn.Linear | Conv1D) and module is not output:
                module.requires_grad_(True)
    return model


def add_adapter(model: Any, settings: LoraSettings, seed: int) -> Any:
    """Add a fresh LoRA adapter to the model; the same seed gives the same adapter."""
    targets = list(settings.target_modules or attention_projections(model))
    if settings.rank is None or settings.alpha is None:
        raise ValueError("resolve the settings first")
    torch.manual_seed(seed)
    try:
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
        raise InputError(f"target_modules = {targets}: {str(error).splitlines()[0]}") from None


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


def attention_projections(model: Any) -> list[str]:
    """Names of the query, key, value and output projections: the linear layers inside attention.

    Their names differ by architecture (q_proj, c_attn, query_key_value …); the name of their parent does not.
    Raises `InputError` where no such layer is found.
    """
    linear = [n for n, module in model.named_modules() if isinstance(module, torch.nn.Linear | Conv1D)]
    inside = [
        n for n in linear if any(word in n.split(".")[-2:][0].lower() for word in ("attn", "attention"))
    ]
    if not inside:
        last = sorted({name.split(".")[-1] for name in linear})
        raise InputError(f"found no attention layers; name target_modules yourself, of {', '.join(last)}")
    return inside


class readable:
    """A context manager: makes an `InputError` of what transformers raises for a model that cannot be read."""

    def __init__(self, model: str) -> None:
        self.model = model

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type | None, error: BaseException | None, trace: object) -> None:
        # The libraries raise many kinds of errors for a damaged model. Lack of memory is not one of them.
        if isinstance(error, Exception) and not isinstance(error, InputError | torch.OutOfMemoryError):
            reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
            raise InputError(
                f"model {self.model}: {reason.strip()} (expected a Hugging Face id or a folder with "
                "config.json, *.safetensors and a tokenizer)"
            ) from None


def _device(name: str) -> str:
    if name in ("auto", "cuda") and torch.cuda.is_available():
        # Launchers number the processes of a machine in these variables; each process gets its own GPU.
        rank = os.environ.get("LOCAL_RANK", os.environ.get("SLURM_LOCALID"))
        return "cuda" if rank is None else f"cuda:{int(rank) % torch.cuda.device_count()}"
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


def _fingerprint(model: str, commit: str | None) -> str:
    """A hash that changes with the weights or the tokenizer: the commit on the hub, or the files."""
    folder = Path(model)
    if not folder.is_dir():
        return f"commit:{commit}"
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.suffix in {".json", ".safetensors", ".jinja", ".model", ".txt"}:
            digest.update(path.name.encode())
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return f"sha256:{digest.hexdigest()}"
