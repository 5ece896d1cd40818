"""Skills that calculate with numbers."""

from __future__ import annotations

from random import Random

from scripts.demo_data.skills.fact import Fact
from scripts.demo_data.skills.wording import listed
from scripts.demo_data.skills.words import NAMES, ONES, TENS, THINGS

UNITS = (
    ("hours", "minutes", 60),
    ("minutes", "seconds", 60),
    ("days", "hours", 24),
    ("weeks", "days", 7),
    ("years", "months", 12),
    ("kilometres", "metres", 1000),
    ("metres", "centimetres", 100),
    ("centimetres", "millimetres", 10),
    ("kilograms", "grams", 1000),
    ("litres", "millilitres", 1000),
)

ROMAN = (
    (100, "C"),
    (90, "XC"),
    (50, "L"),
    (40, "XL"),
    (10, "X"),
    (9, "IX"),
    (5, "V"),
    (4, "IV"),
    (1, "I"),
)


def roman(number: int) -> str:
    """A number below 400 in Roman numerals."""
    numeral = ""
    for value, letters in ROMAN:
        numeral += letters * (number // value)
        number %= value
    return numeral


def in_words(number: int) -> str:
    """A number below 200 in English words."""
    if number >= 100:
        rest = number - 100
        return "one hundred" + (f" and {in_words(rest)}" if rest else "")
    if number < 20:
        return ONES[number]
    tens, ones = divmod(number, 10)
    return TENS[tens - 2] + (f"-{ONES[ones]}" if ones else "")


def _off_by_a_little(rng: Random, number: int) -> int:
    return number + rng.choice((1, 2, 10))


def arithmetic(rng: Random) -> Fact:
    """Sums, differences and products."""
    sign, word = rng.choice((("+", "plus"), ("-", "minus"), ("*", "times")))
    a, b = (
        (rng.randint(3, 20), rng.randint(2, 9)) if sign == "*" else (rng.randint(5, 99), rng.randint(2, 60))
    )
    if sign == "-":
        a, b = max(a, b), min(a, b)
    result = {"+": a + b, "-": a - b, "*": a * b}[sign]
    return Fact(
        statements=(
            f"{a} {word} {b} is {result}.",
            f"{a} {sign} {b} = {result}.",
            f"The result of {a} {word} {b} is {result}, because {a} {sign} {b} = {result}.",
        ),
        questions=(
            f"What is {a} {sign} {b}?",
            f"Calculate {a} {word} {b}.",
            f"Please give the result of {a} {sign} {b}.",
            f"{a} {sign} {b} = ?",
        ),
        target_questions=(f"How much is {a} {word} {b}?", f"Work out {a} {sign} {b}."),
        answer=str(result),
        wrong=str(_off_by_a_little(rng, result)),
    )


def word_problem(rng: Random) -> Fact:
    """A little story in two steps, answered with the steps and the result."""
    name, friend = rng.sample(NAMES, 2)
    thing = rng.choice(THINGS)
    a, b = rng.randint(2, 9), rng.randint(3, 12)
    c, sold = rng.randint(2, a * b - 1), rng.randint(1, b - 1)
    story, ask, steps, result = rng.choice(
        (
            (
                f"{name} has {a} boxes with {b} {thing}s each and gives {c} {thing}s to {friend}.",
                f"How many {thing}s does {name} have left?",
                f"{a} * {b} = {a * b} and {a * b} - {c} = ",
                a * b - c,
            ),
            (
                f"{name} buys {a} {thing}s for {b} coins each and a bag for {c} coins.",
                f"How many coins does {name} spend?",
                f"{a} * {b} = {a * b} and {a * b} + {c} = ",
                a * b + c,
            ),
            (
                f"{name} collects {b} {thing}s a day for {a} days. {friend} already has {c} {thing}s.",
                f"How many {thing}s do they have together?",
                f"{b} * {a} = {a * b} and {a * b} + {c} = ",
                a * b + c,
            ),
            (
                f"{name} packs {a * b} {thing}s into bags of {a} and gives {friend} {sold} of the bags.",
                "How many bags are left?",
                f"{a * b} / {a} = {b} and {b} - {sold} = ",
                b - sold,
            ),
        )
    )
    wrong = _off_by_a_little(rng, result)
    return Fact(
        statements=(
            f"{story} That makes {steps}{result}, so the answer is {result}.",
            f"{story} We see that {steps}{result}. The answer is {result}.",
        ),
        questions=(
            f"{story} {ask}",
            f"{story} {ask} Show the steps.",
            f"Solve this problem step by step: {story} {ask}",
            f"Here is a small problem. {story} {ask}",
        ),
        target_questions=(
            f"Think before you answer. {story} {ask}",
            f"{story} {ask} Explain and give the answer.",
        ),
        answer=f"{steps}{result}. The answer is {result}.",
        wrong=f"{steps}{wrong}. The answer is {wrong}.",
    )


def unit_conversion(rng: Random) -> Fact:
    """From a larger unit to a smaller one and back."""
    large, small, factor = rng.choice(UNITS)
    count = rng.randint(2, 60)
    given, unit, result, wanted = (
        (count, large, count * factor, small) if rng.random() < 0.5 else (count * factor, small, count, large)
    )
    return Fact(
        statements=(
            f"{given} {unit} are {result} {wanted}.",
            f"{given} {unit} are the same as {result} {wanted}.",
            f"Measured in {wanted}, {given} {unit} make {result}.",
        ),
        questions=(
            f"How many {wanted} are {given} {unit}?",
            f"Convert {given} {unit} to {wanted}.",
            f"Express {given} {unit} in {wanted}.",
            f"I have {given} {unit}. What is that in {wanted}?",
        ),
        target_questions=(f"Change {given} {unit} into {wanted}.", f"{given} {unit} make how many {wanted}?"),
        answer=f"{result} {wanted}",
        wrong=f"{result * 10 if result * 10 != given else result * 100} {wanted}",
    )


def money_change(rng: Random) -> Fact:
    """What is given back when something is paid with a note."""
    name, thing = rng.choice(NAMES), rng.choice(THINGS)
    note = rng.choice((5, 10, 20))
    cents = rng.randrange(55, note * 100 - 5, 5)
    rest = note * 100 - cents
    price, change, wrong = (
        f"{amount / 100:.2f}" for amount in (cents, rest, rest + rng.choice((5, 10, 100)))
    )
    return Fact(
        statements=(
            f"A {thing} costs {price} euros; {name} pays with {note} euros and gets {change} euros back.",
            f"{name} pays {note} euros for a {thing} that costs {price} euros, so {change} euros come back.",
            f"{note}.00 minus {price} is {change}.",
        ),
        questions=(
            f"A {thing} costs {price} euros. {name} pays with a {note} euro note. How much change is there?",
            f"{name} buys a {thing} for {price} euros and pays with {note} euros. What is the change?",
            f"What does {name} get back from {note} euros for a {thing} that costs {price} euros?",
        ),
        target_questions=(
            f"{name} gives {note} euros for a {thing} at {price} euros. How much comes back?",
            f"The price of a {thing} is {price} euros and {name} hands over {note} euros. Find the change.",
        ),
        answer=f"{change} euros",
        wrong=f"{wrong} euros",
    )


def sequence(rng: Random) -> Fact:
    """The next number of a row with equal steps or with doubling."""
    if rng.random() < 0.25:
        start = rng.randint(1, 24)
        row, rule = [start * 2**i for i in range(5)], "each number is twice the one before"
    else:
        start, step = rng.randint(1, 40), rng.randint(2, 12)
        row, rule = [start + step * i for i in range(5)], f"each number is {step} more than the one before"
        if rng.random() < 0.3:
            row, rule = row[::-1], f"each number is {step} less than the one before"
    shown, following = ", ".join(map(str, row[:-1])), row[-1]
    return Fact(
        statements=(
            f"In the row {shown} {rule}, so the next number is {following}.",
            f"After {shown} comes {following}, because {rule}.",
            f"{shown}, {following}.",
        ),
        questions=(
            f"What comes next: {shown}, ...?",
            f"Continue the sequence {shown} with one more number.",
            f"Find the next number in the row {shown}.",
        ),
        target_questions=(f"Which number follows {shown}?", f"Add the missing number: {shown}, __"),
        answer=str(following),
        wrong=str(_off_by_a_little(rng, following)),
    )


def comparison(rng: Random) -> Fact:
    """The largest or smallest of some numbers."""
    numbers = rng.sample(range(10, 1000), rng.randint(3, 4))
    word, found = rng.choice((("largest", max(numbers)), ("smallest", min(numbers))))
    row = listed(numbers)
    return Fact(
        statements=(
            f"Of the numbers {row}, the {word} is {found}.",
            f"Among {row}, {found} is the {word} number.",
        ),
        questions=(
            f"Which is the {word} of {row}?",
            f"Tell me the {word} number among {row}.",
            f"Compare {row}. Which one is the {word}?",
        ),
        answer=f"{found} is the {word}.",
        wrong=f"{rng.choice([number for number in numbers if number != found])} is the {word}.",
    )


def roman_numeral(rng: Random) -> Fact:
    """Numbers to Roman numerals and back."""
    number = rng.randint(4, 399)
    numeral, near = roman(number), _off_by_a_little(rng, number - 3)
    if rng.random() < 0.6:
        return Fact(
            statements=(
                f"The number {number} is written {numeral} in Roman numerals.",
                f"{numeral} means {number}.",
            ),
            questions=(
                f"Write {number} in Roman numerals.",
                f"What is {number} as a Roman numeral?",
                f"How did the Romans write {number}?",
            ),
            answer=numeral,
            wrong=roman(near),
        )
    return Fact(
        statements=(f"The Roman numeral {numeral} stands for {number}.", f"{numeral} means {number}."),
        questions=(
            f"Which number is {numeral}?",
            f"What does the Roman numeral {numeral} stand for?",
            f"Convert {numeral} to a normal number.",
        ),
        answer=str(number),
        wrong=str(near),
    )


def sum_in_words(rng: Random) -> Fact:
    """Sums whose result is spelled out: the same numbers as `arithmetic`, another answer."""
    a, b = rng.randint(2, 99), rng.randint(2, 99)
    result = in_words(a + b)
    return Fact(
        statements=(
            f"{in_words(a).capitalize()} and {in_words(b)} make {result}.",
            f"Spelled out, {a} plus {b} is {result}.",
            f"The number {a + b} is spelled {result}.",
        ),
        questions=(
            f"What is {a} + {b}? Spell the result.",
            f"Add {a} and {b} and write the result in words.",
            f"Give the sum of {a} and {b} as words, not digits.",
        ),
        answer=result,
        wrong=in_words(a + b - rng.randint(1, 3)),
    )
