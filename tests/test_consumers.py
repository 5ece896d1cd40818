"""Exports read by the programs they are for: the same text, the same trained tokens as ours.

`trl` is no requirement of the tests: it brings accelerate and moves faster than the format it reads.
"""

import json
from types import SimpleNamespace

import pytest

from g2is.export import FORMATS
from g2is.instructions import read_instructions
from g2is.lm.text import Encoder
from tests.test_round_trip import THINKING, written
from tests.test_round_trip import pool as pool
from tests.tiny import byte_tokenizer

MARKED = THINKING.replace("{% if thought %}", "{% generation %}{% if thought %}", 1).replace(
    "</s>{% else %}", "</s>{% endgeneration %}{% else %}"
)
"""The same text; the replies between TRL's marks."""


def prepared(folder, tokenizer, **options) -> list[dict]:
    """Rows of `SFTTrainer`'s own preparation of a folder: input_ids and labels."""
    pytest.importorskip("trl", reason="needs trl: pip install trl accelerate")
    import datasets
    from trl.trainer.sft_trainer import SFTTrainer

    data = datasets.load_dataset(str(folder), split="train", cache_dir=str(folder / "cache"))
    settings = {
        "dataset_num_proc": None,
        "dataset_text_field": "text",
        "assistant_only_loss": False,
        "eos_token": None,
        "max_length": None,
        "chat_template_path": None,
        "packing": False,
        "shuffle_dataset": False,
        "use_liger_kernel": False,
        **options,
    }
    trainer = SimpleNamespace(
        _tokenizer=tokenizer,
        completion_only_loss=True,
        assistant_only_loss=settings["assistant_only_loss"],
        chat_template=None,
        padding_free=False,
        _is_vlm=False,
    )
    return list(
        SFTTrainer._prepare_dataset(
            trainer, data, tokenizer, SimpleNamespace(**settings), False, None, "train"
        )
    )


def labelled(rows: list[dict], tokenizer) -> list[str]:
    """The tokens of each row that have a label, as text."""
    return [tokenizer.decode([label for label in row["labels"] if label != -100]) for row in rows]


def test_trl_trains_the_completion_that_we_train(pool, tmp_path):
    tokenizer = byte_tokenizer(THINKING)
    written(pool, "trl", tmp_path)
    rows = prepared(tmp_path, tokenizer)
    own = read_instructions([tmp_path / "train.jsonl"]).instructions
    encoded = Encoder(tokenizer, 10_000)(own)
    assert [row["input_ids"] for row in rows] == [sample.input_ids.tolist() for sample in encoded]
    trained = [
        tokenizer.decode(sample.input_ids[sample.trained]) for sample in Encoder(tokenizer, 10_000)(pool)
    ]
    completions = labelled(rows, tokenizer)
    # The note of the format says which earlier replies the prompt holds.
    assert all(ours.endswith(theirs) for ours, theirs in zip(trained, completions, strict=True))
    assert completions[0] == "<think>The tool says 3.</think>It is 3.</s>" and completions[1:] == trained[1:]


def test_trl_trains_the_replies_of_messages_that_we_train(pool, tmp_path):
    """But for weights, which TRL does not read, and arguments of calls as JSON text, which a template quotes."""
    assert any(note.startswith("Arguments of tool calls") for note in FORMATS["messages"].notes(pool))
    plain = [
        sample for sample in pool if all(turn.trained and not turn.tool_calls for turn in sample.messages)
    ]
    tokenizer = byte_tokenizer(MARKED)
    written(plain, "messages", tmp_path)
    rows = prepared(tmp_path, tokenizer, assistant_only_loss=True)
    encoded = Encoder(tokenizer, 10_000)(plain)
    assert labelled(rows, tokenizer) == [
        tokenizer.decode(sample.input_ids[sample.trained]) for sample in encoded
    ]


def test_llama_factory_reads_the_turns_at_their_places(pool, tmp_path):
    """By its data/README.md: human or observation at odd places, gpt or function_call at even ones, a system field."""
    written(pool, "llama_factory", tmp_path)
    (info,) = json.loads((tmp_path / "dataset_info.json").read_text()).values()
    tags, columns = info["tags"], info["columns"]
    roles = {
        tags["user_tag"]: "user",
        tags["assistant_tag"]: "assistant",
        tags["function_tag"]: "assistant",
        tags["observation_tag"]: "tool",
        tags["system_tag"]: "system",
    }
    asking, answering = {"user", "tool"}, {"assistant"}
    for line, sample in zip((tmp_path / info["file_name"]).read_text().splitlines(), pool, strict=True):
        record = json.loads(line)
        turns = [
            (roles[turn[tags["role_tag"]]], turn[tags["content_tag"]]) for turn in record[columns["messages"]]
        ]
        assert all(role in (answering if place % 2 else asking) for place, (role, _) in enumerate(turns))
        assert len(turns) % 2 == 0
        system = record[columns["system"]]
        assert [*([("system", system)] if system else []), *turns] == [
            (t.role, t.text) for t in sample.messages
        ]
        calls = [t for t in record[columns["messages"]] if t[tags["role_tag"]] == tags["function_tag"]]
        for call in calls:
            assert {"name", "arguments"} <= set(json.loads(call[tags["content_tag"]]).keys())


@pytest.mark.parametrize(
    ("format", "field", "mark"), [("sharegpt", "conversations", "train"), ("messages", "messages", "weight")]
)
def test_axolotl_reads_which_replies_are_trained(pool, format, field, mark, tmp_path):
    """By its docs: message_field_training names the field of a turn that says so; calls may be JSON text."""
    written(pool, format, tmp_path)
    for line, sample in zip((tmp_path / "train.jsonl").read_text().splitlines(), pool, strict=True):
        turns = json.loads(line)[field]
        replies = [
            turn
            for turn in turns
            if turn.get("role", turn.get("from")) in ("assistant", "gpt", "function_call")
        ]
        expected = [turn.trained for turn in sample.messages if turn.role == "assistant"]
        assert [bool(turn.get(mark, True)) for turn in replies] == expected
        for call in (call for turn in turns for call in turn.get("tool_calls", ())):
            assert isinstance(json.loads(call["function"]["arguments"]), dict)
