"""Which tokens are trained under the chat templates of a folder: a table of template x case.

    python -m scripts.template_sweep FOLDER [--show TEMPLATE CASE]

FOLDER holds one template a file (*.jinja). Every turn of a case has words of its own, so that what is trained can be
judged without knowing the template: exactly the words of the replies, each with a token that ends it, and no word of
another turn. A cell is `ok`, or has a letter for each thing that is not as in the source (a legend follows the
table); whatever else differs is in bold, and then the exit code is 1.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from g2is.instructions import Instruction, Message, ToolCall
from g2is.lm import notes
from g2is.lm.text import Encoder

_SPECIAL = re.compile(
    r"<\|[\w/ -]{1,40}\|>|<｜[^｜<>]{1,40}｜>|\[/?[A-Z_]{3,20}\]|</?s>|</?(?:start|end)_of_\w+>|<[bp]os>|<eos>"
    r"|</?(?:turn|channel|tool_call|tool_response|think|eot|tool)\|?>|<\|(?:turn|channel|tool_call|tool_response|tool)>"
    r"|\[\|\w+\|\]|\[gMASK\]|<sop>|<unk>"
)
CALL = ToolCall("jabber_sum", '{"first": "quonk", "second": 41}', "kq7w8e9r0")
TOOLS = (
    '[{"type": "function", "function": {"name": "jabber_sum", "description": "frumious", "parameters": '
    '{"type": "object", "properties": {"first": {"type": "string"}, "second": {"type": "integer"}}}}}]'
)
USER, SECOND, SYSTEM = (
    Message("user", "brillig slithy"),
    Message("user", "gyre wabe"),
    Message("system", "mimsy"),
)
REPLY, LAST = Message("assistant", "borogove rath."), Message("assistant", "outgrabe bandersnatch.")


def _thinking(reply: Message, thought: str, *, inside: bool) -> Message:
    if inside:
        return Message("assistant", f"<think>\n{thought}\n</think>\n\n{reply.content}")
    return Message("assistant", reply.content, reasoning=thought)


CASES: dict[str, tuple[tuple[Message, ...], str | None]] = {
    "single": ((USER, REPLY), None),
    "multi-turn": ((USER, REPLY, SECOND, LAST), None),
    "system": ((SYSTEM, USER, REPLY, SECOND, LAST), None),
    "reasoning inside": (
        (USER, _thinking(REPLY, "vorpal", inside=True), SECOND, _thinking(LAST, "snicker", inside=True)),
        None,
    ),
    "reasoning field": (
        (USER, _thinking(REPLY, "vorpal", inside=False), SECOND, _thinking(LAST, "snicker", inside=False)),
        None,
    ),
    "tools": (
        (
            USER,
            Message("assistant", "", tool_calls=(CALL,)),
            Message("tool", "tumtum", tool_call_id=CALL.id, name=CALL.name),
            LAST,
        ),
        TOOLS,
    ),
    "excluded turn": ((USER, Message("assistant", "borogove rath.", trained=False), SECOND, LAST), None),
}
LETTERS = {
    notes.REASONING_DROPPED: "d",
    notes.REASONING_UNWRITTEN: "n",
    notes.TOOLS_AS_TEXT: "t",
    notes.CALLS_AS_TEXT: "c",
    notes.RESULTS_AS_USER: "u",
    notes.NEW_IDS: "i",
    notes.SYSTEM_MOVED: "s",
    notes.unwritten("system"): "S",
    notes.unwritten("tool"): "R",
    notes.ENDLESS: "e",
}
WORDS = re.compile(
    "brillig|slithy|gyre|wabe|mimsy|borogove|rath|outgrabe|bandersnatch|vorpal|snicker|jabber_sum|quonk|41|tumtum|"
    "frumious"
)


def tokenizer_for(template: str) -> PreTrainedTokenizerFast:
    """One token a byte, and one for each text of the template that looks like a special token."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={token: index for index, token in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = dict.fromkeys(["<s>", "</s>", *_SPECIAL.findall(template)])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>", pad_token="<pad>"
    )
    fast.add_special_tokens({"additional_special_tokens": list(special)})
    fast.chat_template = template
    return fast


def judge(template: str, case: str) -> tuple[str, str]:
    """One cell of the table, and the text with what is trained between marks."""
    turns, tools = CASES[case]
    tokenizer = tokenizer_for(template)
    instruction = Instruction(turns, "sweep", 1, "messages", b"{}", tools=tools)
    encoded = Encoder(tokenizer, 100_000)([instruction])[0]
    if encoded.problem:
        return f"**{encoded.problem}**", ""
    pieces = np.split(np.arange(len(encoded)), np.flatnonzero(np.diff(encoded.trained.astype(int))) + 1)
    special = set(tokenizer.get_added_vocab().values())
    trained, shown, unended = [], "", 0
    for piece in pieces:
        text = tokenizer.decode(encoded.input_ids[piece])
        if encoded.trained[piece[0]]:
            trained.append(text)
            unended += not ({*encoded.input_ids[piece[-2:]].tolist()} & special)
            text = f"⟦{text}⟧"
        shown += text
    replies = [turn for turn in turns if turn.role == "assistant" and turn.trained]
    expected = [WORDS.findall(turn.text) for turn in replies]
    found = [WORDS.findall(text) for text in trained]
    dropped = {note for note in encoded.notes if note in (notes.REASONING_DROPPED, notes.REASONING_UNWRITTEN)}
    counted = [note for note in dict.fromkeys(encoded.notes) if note != notes.EXCLUDED]
    if dropped:
        written = {word for words in found for word in words}
        expected = [
            [word for word in words if word not in ("vorpal", "snicker") or word in written]
            for words in expected
        ]
    if notes.DROPPED in encoded.notes:
        expected = [words for words in expected if words in found]
    problems = []
    if found != expected:
        problems.append(f"**trained {found}, expected {expected}**")
    if unended and notes.ENDLESS not in encoded.notes:
        problems.append("**no end token**")
    problems += [f"**{note}**" for note in counted if note not in LETTERS]
    letters = " ".join(LETTERS[note] for note in counted if note in LETTERS)
    return "; ".join([*problems, *([letters] if letters else [])]) or "ok", shown


def table(folder: Path) -> str:
    rows = ["| template | " + " | ".join(CASES) + " |", "|---" * (len(CASES) + 1) + "|"]
    for path in sorted(folder.glob("*.jinja")):
        cells = [judge(path.read_text(), case)[0] for case in CASES]
        rows.append(f"| {path.stem} | " + " | ".join(cells) + " |")
    legend = [f"- {letter}: {note}" for note, letter in LETTERS.items()]
    return "\n".join([*rows, "", *legend])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--show", nargs=2, metavar=("TEMPLATE", "CASE"))
    options = parser.parse_args()
    if options.show:
        name, case = options.show
        sys.stdout.write("\n".join(judge((options.folder / f"{name}.jinja").read_text(), case)) + "\n")
    else:
        text = table(options.folder)
        sys.stdout.write(text + "\n")
        sys.exit("**" in text)


if __name__ == "__main__":
    main()
