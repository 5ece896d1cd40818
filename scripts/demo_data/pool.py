"""Decides what the demo's pool, validation and test hold; knows nothing of files.

The target asks for some of the skills, in words of its own and never for a fact that the pool holds.
Every example says which skill it is of (`task`) and what it is (`kind`):

    plain           a question with its right answer
    near_duplicate  the plain example `of`, reworded, with one number changed, or with other case or spacing
    contradiction   the question of the plain example `of` with a wrong answer
    duplicate       question and answer of the plain example `of`, unchanged
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from random import Random
from typing import Literal

from scripts.demo_data.skills import SKILLS, Fact, Skill

Kind = Literal["plain", "near_duplicate", "contradiction", "duplicate"]


@dataclass(frozen=True)
class Share:
    """Number of facts of a skill in the plain pool, the validation set and the test set."""

    pool: int
    validation: int = 0
    test: int = 0


# Two thirds of the pool are of no use to the target, so that it matters what is selected.
SHARES: dict[str, Share] = {
    "word_problem": Share(90, 10, 34),
    "table_lookup": Share(90, 8, 26),
    "arithmetic": Share(80, 7, 24),
    "unit_conversion": Share(80, 6, 20),
    "sorting": Share(80, 6, 20),
    "weekday": Share(70, 5, 18),
    "true_false": Share(70, 5, 16),
    "extraction": Share(70, 4, 12),
    "sequence": Share(60, 3, 10),
    "reverse": Share(60, 2, 8),
    "count_letter": Share(60, 2, 6),
    "money_change": Share(50, 2, 6),
    "comparison": Share(120),
    "roman_numeral": Share(130),
    "sum_in_words": Share(130),
    "calendar_date": Share(120),
    "clock": Share(120),
    "initials": Share(120),
    "count_items": Share(130),
    "json_record": Share(130),
    "csv_sentence": Share(130),
    "bullet_list": Share(130),
    "thank_you_note": Share(130),
    "opposite": Share(60),
    "word_form": Share(100),
    "plausibility": Share(130),
    "code_output": Share(60),
}
NEAR_DUPLICATES, CONTRADICTIONS, DUPLICATES = 240, 120, 40


@dataclass(frozen=True)
class Example:
    """One question and answer. of: the id of the plain example it was made from."""

    id: int
    task: str
    kind: Kind
    instruction: str
    input: str
    answer: str
    of: int | None = None

    @property
    def prompt(self) -> str:
        """Instruction and input as one text."""
        return f"{self.instruction}\n{self.input}" if self.input else self.instruction


@dataclass(frozen=True)
class DemoData:
    """The three parts of the demo, each in the order of its files."""

    pool: list[Example]
    validation: list[Example]
    test: list[Example]


def make_demo(seed: int = 0) -> DemoData:
    """All demo data from a seed. No fact is in two of the three parts."""
    known: set[str] = set()
    plain: list[tuple[Example, Fact]] = []
    validation: list[Example] = []
    test: list[Example] = []
    for task, share in SHARES.items():
        # A generator per skill: changing one skill leaves the others as they are.
        rng = Random(f"{task} {seed}")
        facts = _new_facts(SKILLS[task], rng, known)
        for part, count in ((validation, share.validation), (test, share.test)):
            part.extend(_example(task, fact, fact.target_questions, rng) for fact in islice(facts, count))
        plain.extend((_example(task, fact, fact.questions, rng), fact) for fact in islice(facts, share.pool))

    rng = Random(f"order {seed}")
    rng.shuffle(plain)
    rng.shuffle(validation)
    rng.shuffle(test)
    plain = [(replace(example, id=number), fact) for number, (example, fact) in enumerate(plain)]
    derived = [
        *(_near_duplicate(*original, known, rng) for original in rng.sample(plain, NEAR_DUPLICATES)),
        *(
            replace(example, kind="contradiction", answer=fact.wrong)
            for example, fact in rng.sample(plain, CONTRADICTIONS)
        ),
        *(replace(example, kind="duplicate") for example, _ in rng.sample(plain, DUPLICATES)),
    ]
    pool = [example for example, _ in plain]
    # Until here a derived example carries the id of its original.
    pool += [replace(example, id=len(plain) + i, of=example.id) for i, example in enumerate(derived)]
    rng.shuffle(pool)
    return DemoData(pool, validation, test)


def _new_facts(skill: Skill, rng: Random, known: set[str]) -> Iterator[Fact]:
    """An endless series of facts that are not in `known`; each is added to it."""
    while True:
        fact = skill(rng)
        if fact.statements[0] not in known:
            known.add(fact.statements[0])
            yield fact


def _example(task: str, fact: Fact, questions: tuple[str, ...], rng: Random) -> Example:
    return Example(0, task, "plain", rng.choice(questions), fact.input, fact.answer)


def _near_duplicate(example: Example, fact: Fact, known: set[str], rng: Random) -> Example:
    """A near-copy of an example, of one of three kinds."""
    way = rng.choices(("reword", "number", "spacing"), (1, 2, 1))[0]
    near = None
    if way == "number":
        near = _change_number(example, fact, known, rng)
    elif way == "spacing":
        near = replace(example, instruction=_respace(example.instruction, rng))
    if near is None:
        others = [question for question in fact.questions if question != example.instruction]
        near = replace(example, instruction=rng.choice(others))
    return replace(near, kind="near_duplicate")


def _change_number(example: Example, fact: Fact, known: set[str], rng: Random) -> Example | None:
    """The same question with one number changed, or None where the skill hardly ever makes one.

    Found by drawing, since only the skill knows the answer that belongs to the new number.
    """
    wording = fact.questions.index(example.instruction)
    for _ in range(100):
        other = SKILLS[example.task](rng)
        near = replace(
            example,
            instruction=other.questions[wording],
            input=other.input,
            answer=other.answer,
        )
        if numbers_changed(example.prompt, near.prompt) == 1 and other.statements[0] not in known:
            known.add(other.statements[0])
            return near
    return None


def numbers_changed(text: str, other: str) -> int | None:
    """How many numbers differ between two texts; None where anything else differs."""
    if re.sub(r"\d+", "#", text) != re.sub(r"\d+", "#", other):
        return None
    pairs = zip(re.findall(r"\d+", text), re.findall(r"\d+", other), strict=True)
    return sum(left != right for left, right in pairs)


def _respace(text: str, rng: Random) -> str:
    """The text in small letters, with a doubled space, or with a line break instead of a space."""
    variants = (text.lower(), text.replace(" ", "  ", 1), text.replace(" ", "\n", 1))
    return rng.choice([variant for variant in variants if variant != text])
