"""Where a model's weights come from: files of its own, or a base model and a PEFT adapter to merge into it."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig
from transformers.utils import cached_file
from transformers.utils.hub import extract_commit_hash

from g2is.config import ModelConfig
from g2is.errors import InputError

ADAPTER_CONFIG = "adapter_config.json"
MODEL_FILES = "a Hugging Face id or a folder with config.json, *.safetensors and a tokenizer"


@dataclass(frozen=True)
class ModelSource:
    """Hugging Face ids or folders of a base model and of the adapter that is merged into it, if any."""

    base: str
    adapter: str | None = None

    def __str__(self) -> str:
        return f"the adapter merged into {self.base}" if self.adapter else self.base

    @property
    def tokenizer(self) -> str:
        """Where the tokenizer is: beside the adapter if it was saved there, else beside the base."""
        saved = self.adapter and _file(self.adapter, "tokenizer_config.json")
        return self.adapter if self.adapter and saved else self.base


def find_source(model: str) -> ModelSource:
    """The source of `model`, an id or folder of a model or of an adapter.

    Raises `InputError` for an adapter that cannot be merged into a base model.
    """
    if not _is_adapter(model):
        return ModelSource(model)
    from peft import PeftConfig  # takes seconds, and is needed by adapters alone

    with readable(model, expected=f"a PEFT adapter with {ADAPTER_CONFIG} and adapter_model.safetensors"):
        adapter = PeftConfig.from_pretrained(model)
    if adapter.is_prompt_learning:
        raise InputError(
            f"model {model}: an adapter of type {adapter.peft_type.value} has no weights to merge; expected LoRA or "
            "another that changes weights"
        )
    base = adapter.base_model_name_or_path
    if not base:
        raise InputError(
            f"model {model}: an adapter that names no base model; set base_model_name_or_path in {ADAPTER_CONFIG}"
        )
    if _is_adapter(base):
        raise InputError(f"model {model}: its base model {base} is an adapter, too; merge the two first")
    return ModelSource(base, model)


def _is_adapter(model: str) -> bool:
    folder = Path(model)
    # Some trainers leave the base's config.json beside an adapter, but weights only beside a whole model.
    whole = any(folder.glob("model*.safetensors")) or any(folder.glob("pytorch_model*.bin"))
    return not whole and _file(model, ADAPTER_CONFIG) is not None


def read_configuration(source: ModelSource, config: ModelConfig) -> Any:
    """The transformers configuration of the base model; raises `InputError` where it cannot be read."""
    with readable(source.base, adapter=source.adapter):
        return AutoConfig.from_pretrained(source.base, trust_remote_code=config.trust_remote_code)


def auto_class(configuration: Any) -> Any:
    """The transformers class that loads such a model with its output layer.

    Models that also see images are causal language models of their text, under a class of their own.
    """
    from transformers import AutoModelForCausalLM, AutoModelForImageTextToText
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_CAUSAL_LM_MAPPING,
        MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING,
    )

    kind = type(configuration)
    if kind in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING and kind not in MODEL_FOR_CAUSAL_LM_MAPPING:
        return AutoModelForImageTextToText
    return AutoModelForCausalLM


def fingerprint(source: ModelSource, configuration: Any) -> str:
    """A hash that changes with the weights or the tokenizer: commits on the hub, or files."""
    base = _fingerprint(source.base, getattr(configuration, "_commit_hash", None))
    if source.adapter is None:
        return base
    commit = extract_commit_hash(_file(source.adapter, ADAPTER_CONFIG), None)
    both = f"{base} {_fingerprint(source.adapter, commit)}"
    return f"sha256:{hashlib.sha256(both.encode()).hexdigest()}"


def _fingerprint(model: str, commit: str | None) -> str:
    folder = Path(model)
    if not folder.is_dir():
        return f"commit:{commit}"
    digest = hashlib.sha256()
    suffixes = {".json", ".safetensors", ".jinja", ".model", ".txt"}
    paths = [path for path in sorted(folder.iterdir()) if path.suffix in suffixes]
    with ThreadPoolExecutor() as pool:  # a large model is in many files
        for path, content in zip(paths, pool.map(_sha256, paths), strict=True):
            digest.update(path.name.encode())
            digest.update(content)
    return f"sha256:{digest.hexdigest()}"


def _sha256(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _file(model: str, name: str) -> str | None:
    """A file of a model, in its folder or from the hub; None where it has none, or the hub cannot be reached."""
    if Path(model).is_dir():
        path = Path(model) / name
        return str(path) if path.is_file() else None
    try:
        return cached_file(
            model,
            name,
            _raise_exceptions_for_gated_repo=False,
            _raise_exceptions_for_missing_entries=False,
            _raise_exceptions_for_connection_errors=False,
        )
    except (OSError, ValueError):  # no such model: reading its configuration gives the reason
        return None


class readable:
    """A context manager: makes an `InputError` of what transformers and PEFT raise for what they cannot read."""

    def __init__(self, model: str, *, adapter: str | None = None, expected: str = MODEL_FILES) -> None:
        self.model = f"{model}, the base model that the adapter {adapter} names" if adapter else model
        self.expected = (
            f"{expected}; or set base_model_name_or_path in {ADAPTER_CONFIG}" if adapter else expected
        )

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type | None, error: BaseException | None, trace: object) -> None:
        # The libraries raise many kinds of errors for a damaged model. Lack of memory is not one of them.
        if isinstance(error, Exception) and not isinstance(error, InputError | torch.OutOfMemoryError):
            reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
            raise InputError(f"model {self.model}: {reason.strip()} (expected {self.expected})") from None
