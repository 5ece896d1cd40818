"""Skills that know something about words and things."""

from __future__ import annotations

from random import Random

from scripts.demo_data.skills.fact import Fact
from scripts.demo_data.skills.words import CONTAINERS, OPPOSITES, PLURALS, RHYMES, SIZES


def opposite(rng: Random) -> Fact:
    """The word that means the contrary."""
    word, found = rng.sample(rng.choice(OPPOSITES), 2)
    return Fact(
        statements=(
            f"The opposite of {word} is {found}.",
            f"What is not {word} may be {found}: the two words are opposites.",
        ),
        questions=(
            f"What is the opposite of {word}?",
            f"Give a word that means the contrary of {word}.",
            f"Name the antonym of {word}.",
        ),
        answer=found,
        wrong=rng.choice([pair[0] for pair in OPPOSITES if word not in pair]),
    )


def word_form(rng: Random) -> Fact:
    """The plural of a word, or a word that rhymes with it."""
    if rng.random() < 0.5:
        word, found = rng.choice(PLURALS)
        return Fact(
            statements=(f"The plural of {word} is {found}.", f"One {word}, two {found}."),
            questions=(
                f"What is the plural of {word}?",
                f"One {word}, many ...?",
                f"Write the word {word} in the plural.",
            ),
            answer=found,
            wrong=f"{word}s" if f"{word}s" != found else f"{word}en",
        )
    group = rng.choice(RHYMES)
    word, found = rng.sample(group, 2)
    return Fact(
        statements=(f"The word {word} rhymes with {found}.", f"{word.capitalize()} and {found} rhyme."),
        questions=(
            f"Find a rhyme for {word} that starts with {found[0]}.",
            f"Which word with {found[0]} rhymes with {word}?",
            f"I am writing a poem. What rhymes with {word} and begins with {found[0]}?",
        ),
        answer=found,
        wrong=rng.choice([other[0] for other in RHYMES if other is not group]),
    )


def plausibility(rng: Random) -> Fact:
    """Whether something fits into something, by common sense."""
    thing, container = rng.choice(sorted(SIZES)), rng.choice(sorted(CONTAINERS))
    while SIZES[thing] == CONTAINERS[container]:
        container = rng.choice(sorted(CONTAINERS))
    yes, no = f"Yes, a {container} is large enough.", f"No, a {container} is too small."
    fits = SIZES[thing] < CONTAINERS[container]
    article = "an" if thing[0] in "aeiou" else "a"
    return Fact(
        statements=(
            f"{article.capitalize()} {thing} {'fits' if fits else 'does not fit'} into a {container}.",
            f"A {container} is {'large enough' if fits else 'too small'} for {article} {thing}.",
        ),
        questions=(
            f"Can {article} {thing} fit into a {container}?",
            f"Is it possible to put {article} {thing} into a {container}?",
            f"My brother says he keeps {article} {thing} in a {container}. Can that be?",
        ),
        answer=yes if fits else no,
        wrong=no if fits else yes,
    )
