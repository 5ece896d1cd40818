"""The model whose tokenizer and chat template decide what is trained."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from g2is.analysis.inspection import Preview, load_preview
from g2is.app import shared as ui
from g2is.app.shared.visitor import may_name_files
from g2is.config.commands import LENGTH
from g2is.errors import InputError

NO_MODEL = "No model: LESS's format"
TOKENIZER = "tokenizer.json"


def choose_model() -> tuple[str | None, int]:
    """A folder with a tokenizer, or None for LESS's format, and the tokens to cut at. Raises InputError."""
    left, right = st.columns([3, 1])
    typed = st.session_state.get("check_data_model")
    known = dict.fromkeys([NO_MODEL, *_models_of_runs(), *([typed] if typed else [])])
    model = left.selectbox(
        "Model",
        list(known),
        key="check_data_model",
        format_func=ui.visible,
        accept_new_options=may_name_files(),
        help="Its tokenizer and chat template decide which tokens are trained. Choose the model of a run, or type the "
        "folder of another; none is downloaded.",
    )
    length = right.number_input(
        "Tokens to cut at",
        16,
        1_000_000,
        LENGTH,
        key="check_data_length",
        disabled=model == NO_MODEL,
        help="`--max-length`",
    )
    if model in (None, NO_MODEL):
        return None, LENGTH
    if not _is_model(model):
        raise InputError(f"{model}: holds no {TOKENIZER}, expected the folder of a model on this machine")
    return model, int(length)


def preview_of(model: str | None, length: int) -> Preview:
    """How the model sees instructions. Raises InputError."""
    if model is None:
        return load_preview(None, length)
    with st.spinner("Loading the tokenizer"):
        return _loaded(model, length, _stamp(Path(model)))


@st.cache_resource(max_entries=2, show_spinner=False)
def _loaded(model: str, length: int, stamp: tuple[tuple[str, int], ...]) -> Preview:
    return load_preview(model, length)


def _stamp(folder: Path) -> tuple[tuple[str, int], ...]:
    """Changes where a file that the tokenizer is made of does."""
    files = [path for pattern in ("*.json", "*.jinja") for path in folder.glob(pattern)]
    return tuple(sorted((path.name, path.stat().st_mtime_ns) for path in files))


def _models_of_runs() -> list[str]:
    """The models of the runs under the cache folder that lie on this machine."""
    models: dict[str, None] = {}
    for folder in ui.run_folders().values():
        try:
            config = ui.read_run(folder).manifest.configuration
        except InputError:
            continue
        model = getattr(config, "model", None)
        if model is not None and _is_model(model.model):
            models[model.model] = None
    return list(models)


def _is_model(folder: str) -> bool:
    try:
        return (Path(folder) / TOKENIZER).is_file()
    except (OSError, ValueError):
        return False
