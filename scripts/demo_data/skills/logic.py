"""Skills with truth values and with little programs."""

from __future__ import annotations

from random import Random

from scripts.demo_data.skills.fact import Fact
from scripts.demo_data.skills.words import WORDS


def _claim(rng: Random) -> tuple[str, bool]:
    a, b = rng.sample(range(2, 60), 2)
    return rng.choice(
        (
            (f"{a} is greater than {b}", a > b),
            (f"{a} is less than {b}", a < b),
            (f"{a} is even", a % 2 == 0),
            (f"{a} is odd", a % 2 == 1),
        )
    )


def true_false(rng: Random) -> Fact:
    """Whether two claims about numbers hold together."""
    (left, left_true), (right, right_true) = _claim(rng), _claim(rng)
    word = rng.choice(("and", "or"))
    truth = (left_true and right_true) if word == "and" else (left_true or right_true)
    claim = f"{left} {word} {right}"
    return Fact(
        statements=(
            f"The claim that {claim} is {truth}.",
            f"{left} is {left_true}, {right} is {right_true}, so {claim} is {truth}.",
        ),
        questions=(
            f"True or False: {claim}.",
            f"Is it true that {claim}? Answer True or False.",
            f"Decide whether this holds: {claim}.",
        ),
        target_questions=(f"Judge the claim: {claim}. True or False?", f"{claim}: True or False?"),
        answer=str(truth),
        wrong=str(not truth),
    )


def code_output(rng: Random) -> Fact:
    """What a few lines of Python print."""
    word, a, b, c = rng.choice(WORDS), rng.randint(1, 9), rng.randint(2, 6), rng.randint(2, 5)
    code, told, output, wrong = rng.choice(
        (
            (
                f"x = {a}\nfor i in range({b}):\n    x += {c}\nprint(x)",
                f"x is {a} and {b} times {c} is added",
                str(a + b * c),
                str(a + (b - 1) * c),
            ),
            (
                f"print(len('{word}') + {a})",
                f"the word {word} has {len(word)} letters and {a} is added",
                str(len(word) + a),
                str(len(word) + a + 1),
            ),
            (
                f"print('{word[:3]}' * {b})",
                f"{word[:3]} is repeated {b} times",
                word[:3] * b,
                word[:3] * (b + 1),
            ),
            (
                f"numbers = [{a}, {b}, {c}]\nprint(sum(numbers))",
                f"the numbers {a}, {b} and {c} are added",
                str(a + b + c),
                str(a + b + c + 1),
            ),
        )
    )
    return Fact(
        statements=(
            f"{code}\nHere {told}, so the program prints {output}.",
            f"The program prints {output}, because {told}:\n{code}",
        ),
        questions=(
            "What does this Python program print?",
            "Give the output of the code.",
            "Run this program in your head. What is shown?",
        ),
        input=code,
        answer=f"The program prints {output}",
        wrong=f"The program prints {wrong}",
    )
