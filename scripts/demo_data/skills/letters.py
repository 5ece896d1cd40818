"""Skills that work on letters and on the order of words."""

from __future__ import annotations

from random import Random

from scripts.demo_data.skills.fact import Fact
from scripts.demo_data.skills.wording import spaced, times
from scripts.demo_data.skills.words import WORDS


def reverse(rng: Random) -> Fact:
    """The letters of a word, or the words of a row, backwards."""
    if rng.random() < 0.5:
        kind, items = "letters", list(rng.choice(WORDS))
    else:
        kind, items = "words", rng.sample(WORDS, rng.randint(3, 5))
    row, turned = " ".join(items), " ".join(items[::-1])
    wrong = " ".join([*items[1:], items[0]])
    return Fact(
        statements=(
            f"The {kind} {row} backwards are {turned}.",
            f"Read from the end, the {kind} {row} are {turned}.",
        ),
        questions=(
            f"Reverse the {kind} {row}.",
            f"Write the {kind} {row} backwards.",
            f"What do you get when you read the {kind} {row} from the end?",
        ),
        target_questions=(
            f"Turn the row of {kind} around: {row}",
            f"{row}. Give the {kind} from back to front.",
        ),
        answer=turned,
        wrong=wrong,
    )


def count_letter(rng: Random) -> Fact:
    """How often a letter stands in a word."""
    word = rng.choice(WORDS)
    letter = rng.choice(word) if rng.random() < 0.8 else rng.choice("aeiou")
    count = word.count(letter)
    return Fact(
        statements=(
            f"The letter {letter} is in {word} {times(count)}.",
            f"Spelled {spaced(word)}, the word {word} has the letter {letter} {times(count)}.",
        ),
        questions=(
            f"How many times does the letter {letter} occur in {word}?",
            f"Count the letter {letter} in the word {word}.",
            f"How often does {letter} stand in {word}?",
        ),
        target_questions=(
            f"Look at the word {word}. How often do you see {letter} in it?",
            f"Tell how often {word} has the letter {letter}.",
        ),
        answer=times(count),
        wrong=times(count + 1),
    )


def initials(rng: Random) -> Fact:
    """The first letters of some words, in capitals."""
    words = rng.sample(WORDS, rng.randint(3, 5))
    found = "".join(word[0] for word in words).upper()
    phrase = " ".join(words)
    return Fact(
        statements=(
            f"The first letters of {phrase} in capitals are {found}.",
            f"{phrase.capitalize()} is shortened to {found}.",
        ),
        questions=(
            f"Make an acronym from: {phrase}",
            f"Take the first letter of each word in capitals: {phrase}",
            f"Shorten the name {phrase} to its initials.",
        ),
        answer=found,
        wrong="".join(word[-1] for word in words).upper(),
    )


def sorting(rng: Random) -> Fact:
    """Words by alphabet or numbers by size."""
    if rng.random() < 0.5:
        items = rng.sample(WORDS, rng.randint(3, 5))
        ordered, how, kind = sorted(items), "in alphabetical order", "words"
    else:
        numbers = rng.sample(range(2, 100), rng.randint(3, 5))
        falling = rng.random() < 0.3
        items = [str(number) for number in numbers]
        ordered = [str(number) for number in sorted(numbers, reverse=falling)]
        how, kind = "from large to small" if falling else "from small to large", "numbers"
    listed, answer = ", ".join(items), ", ".join(ordered)
    return Fact(
        statements=(
            f"The {kind} {listed} {how} are {answer}.",
            f"Sorted {how}, {listed} become {answer}.",
        ),
        questions=(
            f"Sort these {kind} {how}: {listed}",
            f"Put {listed} {how}.",
            f"Arrange the {kind} {listed} {how}.",
        ),
        target_questions=(f"Order the {kind} {how}. {listed}", f"List {listed} again, but {how}."),
        answer=answer,
        wrong=", ".join([*ordered[1:], ordered[0]]),
    )
