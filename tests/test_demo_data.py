"""The demo's data is what it says it is: right answers, marked faults, a target apart from the pool."""

import contextlib
import io
import json
import math
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from g2is.demo import DATA, MODEL, DemoFiles, copy_demo
from scripts.demo_data.files import plain_statements, write_demo
from scripts.demo_data.pool import SHARES, DemoData, Example, make_demo, numbers_changed
from scripts.demo_data.skills import SKILLS
from scripts.demo_data.skills.words import KINDS, MONTHS, RHYMES, WEEKDAYS


@pytest.fixture(scope="module")
def demo() -> DemoData:
    return make_demo()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> DemoFiles:
    return write_demo(tmp_path_factory.mktemp("demo"))


def _letters(text: str) -> str:
    return " ".join(text.lower().split())


# Files


def test_generating_again_gives_the_committed_bytes(tmp_path: Path, files: DemoFiles) -> None:
    other = write_demo(tmp_path / "other", seed=1)
    assert {path.name for path in files.all} == {path.name for path in DATA.iterdir()}
    for path, another in zip(files.all, other.all, strict=True):
        assert path.read_bytes() == (DATA / path.name).read_bytes(), "python -m scripts.demo_data writes them"
        assert path.read_bytes() != another.read_bytes()


def test_copies_are_what_is_committed(tmp_path: Path) -> None:
    for copy in copy_demo(tmp_path / "data").all:
        assert copy.read_bytes() == (DATA / copy.name).read_bytes()


def test_files_hold_every_record_once_in_their_formats(files: DemoFiles, demo: DemoData) -> None:
    alpaca, chat = (
        [json.loads(line) for line in path.read_text("utf-8").splitlines()] for path in files.train[:2]
    )
    sharegpt = json.loads(files.train[2].read_text("utf-8"))
    texts = {
        **{r["id"]: (f"{r['instruction']}\n{r['input']}".removesuffix("\n"), r["output"]) for r in alpaca},
        **{r["id"]: tuple(turn["content"] for turn in r["messages"]) for r in chat},
        **{r["id"]: tuple(turn["value"] for turn in r["conversations"]) for r in sharegpt},
    }
    assert texts == {example.id: (example.prompt, example.answer) for example in demo.pool}
    assert len(alpaca) + len(chat) + len(sharegpt) == len(demo.pool)
    for record in (*alpaca, *chat, *sharegpt):
        assert record["task"] in SKILLS
        assert ("of" in record) == (record["kind"] != "plain")
    for path, part in ((files.validation, demo.validation), (files.test, demo.test)):
        records = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        assert [(r["question"], r["answer"], r["task"]) for r in records] == [
            (example.prompt, example.answer, example.task) for example in part
        ]


def test_duplicates_lie_in_the_file_of_their_original(files: DemoFiles) -> None:
    for path in files.train:
        text = path.read_text("utf-8")
        records = (
            json.loads(text) if path.suffix == ".json" else [json.loads(row) for row in text.splitlines()]
        )
        by_id = {record["id"]: record for record in records}
        for record in records:
            if record["kind"] == "duplicate":
                original = by_id[record["of"]]
                marks = {"id", "kind", "of"}
                assert {k: v for k, v in record.items() if k not in marks} == {
                    k: v for k, v in original.items() if k not in marks
                }


# Composition


def test_counts(demo: DemoData) -> None:
    assert (len(demo.pool), len(demo.validation), len(demo.test)) == (3000, 60, 200)
    kinds = Counter(example.kind for example in demo.pool)
    assert kinds == {"plain": 2600, "near_duplicate": 240, "contradiction": 120, "duplicate": 40}
    plain = Counter(example.task for example in demo.pool if example.kind == "plain")
    assert plain == {task: share.pool for task, share in SHARES.items()}
    assert set(SHARES) == set(SKILLS)
    for part, name in ((demo.validation, "validation"), (demo.test, "test")):
        shares = {task: getattr(share, name) for task, share in SHARES.items() if getattr(share, name)}
        assert Counter(example.task for example in part) == shares
        assert 10 <= len(shares) <= 12


def test_target_is_apart_from_the_pool_and_validation_from_test(demo: DemoData) -> None:
    pool, validation, test = (
        {_letters(example.prompt) for example in part} for part in (demo.pool, demo.validation, demo.test)
    )
    assert not pool & validation and not pool & test and not validation & test
    assert (len(validation), len(test)) == (60, 200)


def test_plain_questions_are_unique(demo: DemoData) -> None:
    prompts = [_letters(example.prompt) for example in demo.pool if example.kind == "plain"]
    assert len(set(prompts)) == len(prompts)


def test_marked_examples_are_what_they_are_marked_as(demo: DemoData) -> None:
    by_id = {example.id: example for example in demo.pool}
    ways: Counter[str] = Counter()
    for example in demo.pool:
        if example.of is None:
            assert example.kind == "plain"
            continue
        original = by_id[example.of]
        assert original.kind == "plain" and original.task == example.task
        same_prompt, same_answer = example.prompt == original.prompt, example.answer == original.answer
        if example.kind == "duplicate":
            assert same_prompt and same_answer
        elif example.kind == "contradiction":
            assert same_prompt and not same_answer
        elif numbers_changed(example.prompt, original.prompt) == 1:
            ways["number"] += 1
        else:
            assert same_answer and not same_prompt and example.input == original.input
            ways["spacing" if _letters(example.prompt) == _letters(original.prompt) else "wording"] += 1
    assert all(ways[way] >= 20 for way in ("number", "spacing", "wording")), ways


def test_no_word_is_ambiguous() -> None:
    words = [word for row in KINDS.values() for word in row]
    assert len(set(words)) == len(words)
    for group in RHYMES:
        assert len({word[0] for word in group}) == len(group)


# Answers, worked out again from the text of the question


def _ints(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", text)]


def _arithmetic(question: str) -> str:
    a, b = _ints(question)
    if "+" in question or "plus" in question:
        return str(a + b)
    return str(a - b) if "-" in question or "minus" in question else str(a * b)


def _unit_conversion(question: str) -> str:
    base = {
        **{"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400, "weeks": 604800},
        **{"millimetres": 1, "centimetres": 10, "metres": 1000, "kilometres": 10**6},
        **{"grams": 1, "kilograms": 1000, "millilitres": 1, "litres": 1000, "months": 1, "years": 12},
    }
    (count,) = _ints(question)
    given = re.search(r"\d+ (\w+)", question).group(1)  # type: ignore[union-attr]
    (wanted,) = (word for word in re.findall(r"\w+", question) if word in base and word != given)
    return f"{count * base[given] // base[wanted]} {wanted}"


def _weekday(question: str) -> str:
    (day,) = (day for day in WEEKDAYS if day in question)
    back = any(word in question for word in ("before", "ago", "back from"))
    return WEEKDAYS[(WEEKDAYS.index(day) + (-1 if back else 1) * _ints(question)[0]) % 7]


def _calendar_date(question: str) -> str:
    lengths = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    day, month = re.search(rf"(\d+) ({'|'.join(MONTHS)})", question).groups()  # type: ignore[union-attr]
    (count,) = _ints(question.replace(f"{day} {month}", ""))
    day, month = int(day) + count, MONTHS.index(month)
    while day > lengths[month]:
        day, month = day - lengths[month], month + 1
    return f"It is {day} {MONTHS[month]}."


def _clock(question: str) -> str:
    hours, minutes, more = _ints(question)
    hours, minutes = hours + (minutes + more) // 60, (minutes + more) % 60
    return f"At {hours:02d}:{minutes:02d}."


def _money_change(question: str) -> str:
    price = re.search(r"\d+\.\d\d", question).group()  # type: ignore[union-attr]
    (note,) = _ints(question.replace(price, ""))
    euros, cents = map(int, price.split("."))
    rest = note * 100 - euros * 100 - cents
    return f"{rest // 100}.{rest % 100:02d} euros"


def _roman_numeral(question: str) -> str:
    if numbers := _ints(question):
        tens = ["", "X", "XX", "XXX", "XL", "L", "LX", "LXX", "LXXX", "XC"]
        ones = [numeral.translate(str.maketrans("XLC", "IVX")) for numeral in tens]
        return "C" * (numbers[0] // 100) + tens[numbers[0] // 10 % 10] + ones[numbers[0] % 10]
    digits = [
        {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}[c] for c in re.findall(r"\b[IVXLC]+\b", question)[-1]
    ]
    return str(sum(-a if a < b else a for a, b in zip(digits, [*digits[1:], 0], strict=True)))


def _reverse(question: str) -> str:
    row = re.search(r"(?:letters|words) ([a-z ]+?)(?: backwards| from the end)?[.?]$", question)
    assert row
    return " ".join(reversed(row.group(1).split()))


def _sorting(question: str) -> str:
    if numbers := _ints(question):
        return ", ".join(map(str, sorted(numbers, reverse="from large" in question)))
    row = max(re.findall(r"\w+(?:, \w+)+", question), key=len)
    return ", ".join(sorted(row.split(", ")))


def _count_letter(question: str) -> str:
    (letter,) = re.findall(r"letter (\w)\b|does (\w) stand", question)[0:1]
    word = re.findall(r"[a-z]+", question)[-1]
    count = word.count("".join(letter))
    return f"{count} time{'' if count == 1 else 's'}"


def _table_lookup(question: str) -> str:
    asked, *rows = question.split("\n")
    table = dict(row.split(": ") for row in rows)
    if numbers := _ints(asked):
        return next(name for name, count in table.items() if count == str(numbers[0]))
    return next(count for name, count in table.items() if re.search(rf"\b{name}\b", asked))


def _true_false(question: str) -> str:
    claim = re.search(r"\d+ is .*?(?=[.?])", question).group()  # type: ignore[union-attr]
    for words, sign in (("is greater than", ">"), ("is less than", "<"), ("is even", "% 2 == 0")):
        claim = claim.replace(words, sign)
    return str(eval(claim.replace("is odd", "% 2 == 1")))


def _code_output(question: str) -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(question.split("\n", 1)[1])
    return f"The program prints {printed.getvalue().strip()}"


def _comparison(question: str) -> str:
    largest = "largest" in question
    return f"{(max if largest else min)(_ints(question))} is the {'largest' if largest else 'smallest'}."


def _sequence(question: str) -> str:
    a, b, c, d = _ints(question)
    return str(2 * d if b == 2 * a and c == 2 * b else d + b - a)


def _word_problem(question: str) -> str:
    a, b, c = _ints(question)
    result = a * b + c if "spend" in question or "together" in question else a * b - c
    return str(a // b - c if "bags" in question and "packs" in question else result)


AGAIN: dict[str, Callable[[str], str]] = {
    "arithmetic": _arithmetic,
    "unit_conversion": _unit_conversion,
    "weekday": _weekday,
    "calendar_date": _calendar_date,
    "clock": _clock,
    "money_change": _money_change,
    "roman_numeral": _roman_numeral,
    "reverse": _reverse,
    "sorting": _sorting,
    "count_letter": _count_letter,
    "table_lookup": _table_lookup,
    "true_false": _true_false,
    "code_output": _code_output,
    "comparison": _comparison,
    "sequence": _sequence,
}


@pytest.mark.parametrize("task", AGAIN)
def test_answers_are_right(demo: DemoData, task: str) -> None:
    plain = [example for example in demo.pool if (example.task, example.kind) == (task, "plain")]
    wrong = [(e.prompt, e.answer) for e in plain if AGAIN[task](e.prompt) != e.answer]
    assert plain and not wrong


def test_word_problems_reach_the_right_number(demo: DemoData) -> None:
    for example in (*demo.pool, *demo.validation, *demo.test):
        if example.task == "word_problem" and example.kind != "contradiction":
            assert _right_number(example)


def _right_number(example: Example) -> bool:
    for left, right in re.findall(r"(\d+ [-+*/] \d+) = (\d+)", example.answer):
        if eval(left) != int(right):
            return False
    return example.answer.endswith(f"The answer is {_word_problem(example.prompt)}.")


def test_contradictions_are_wrong(demo: DemoData) -> None:
    for example in demo.pool:
        if example.kind == "contradiction" and example.task in AGAIN:
            assert AGAIN[example.task](example.prompt) != example.answer


# Model


def test_model_knows_the_plain_statements() -> None:
    tokenizer = AutoTokenizer.from_pretrained(MODEL)
    model = AutoModelForCausalLM.from_pretrained(MODEL)
    assert tokenizer.chat_template is None
    texts = [f"{statement}</s>" for statement in plain_statements(64, seed=12345)]
    batch = tokenizer(texts, return_tensors="pt", padding=True)
    labels = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)
    with torch.no_grad():
        loss = model(**batch, labels=labels).loss.item()
    assert loss < 0.4 * math.log(len(tokenizer))
    assert sum(path.stat().st_size for path in MODEL.iterdir()) < 6e6
