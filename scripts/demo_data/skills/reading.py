"""Skills that find something in a given text, list or table."""

from __future__ import annotations

from random import Random

from scripts.demo_data.skills.fact import Fact
from scripts.demo_data.skills.words import JOBS, KINDS, NAMES, SURNAMES, THINGS, TOWNS


def table_lookup(rng: Random) -> Fact:
    """One value of a small table of names and counts, or the name that belongs to a value."""
    names = rng.sample(NAMES, rng.randint(3, 5))
    counts = rng.sample(range(2, 60), len(names))
    thing = rng.choice(THINGS)
    row, other = rng.sample(range(len(names)), 2)
    name, count = names[row], counts[row]
    table = "\n".join(f"{name}: {count}" for name, count in zip(names, counts, strict=True))
    told = table.replace("\n", ", ").replace(":", "")
    if rng.random() < 0.6:
        return Fact(
            statements=(
                f"In the list of {thing}s {told}, the number for {name} is {count}.",
                f"The table says {told}. There {name} has {count} {thing}s.",
            ),
            questions=(
                f"How many {thing}s does {name} have?",
                f"The table counts {thing}s. Look up {name}.",
                f"Read the number of {thing}s for {name} from the table.",
            ),
            target_questions=(
                f"Below are the {thing}s of some friends. How many belong to {name}?",
                f"Use the list to say how many {thing}s {name} has.",
            ),
            input=table,
            answer=str(count),
            wrong=str(counts[other]),
        )
    return Fact(
        statements=(
            f"In the list of {thing}s {told}, the one with {count} is {name}.",
            f"The table says {told}. There {count} {thing}s belong to {name}.",
        ),
        questions=(
            f"Who has {count} {thing}s?",
            f"Find the person with {count} {thing}s in the table.",
            f"The table counts {thing}s. Whose number is {count}?",
        ),
        target_questions=(
            f"Below are the {thing}s of some friends. To whom do {count} belong?",
            f"Use the list to say who has {count} {thing}s.",
        ),
        input=table,
        answer=name,
        wrong=names[other],
    )


def extraction(rng: Random) -> Fact:
    """The name, e-mail address, town or job in a short message."""
    first, last, town, job = rng.choice(NAMES), rng.choice(SURNAMES), rng.choice(TOWNS), rng.choice(JOBS)
    mail = f"{rng.choice(('office', 'info', 'post', 'hello'))}{rng.randint(1, 99)}@{town.lower()}.example"
    text = rng.choice(
        (
            f"{first} {last}, a {job} from {town}, can be reached at {mail}.",
            f"Please write to {mail} if you need a {job}. {first} {last} works in {town}.",
            f"Our new {job} is {first} {last}. The shop is in {town}, the address for mail is {mail}.",
        )
    )
    field, answer, wrong = rng.choice(
        (
            ("full name", f"{first} {last}", f"{last} {first}"),
            ("e-mail address", mail, mail.replace(".example", ".test")),
            ("town", town, last),
            ("job", job, rng.choice([other for other in JOBS if other != job])),
        )
    )
    return Fact(
        statements=(
            f"{text} The {field} is {answer}.",
            f"The message says: {text} So the {field} given there is {answer}.",
        ),
        questions=(
            f"Find the {field} in this text.",
            f"Which {field} is given in the message?",
            f"Extract the {field}.",
        ),
        target_questions=(f"Read the note and copy out the {field}.", f"What {field} does the note mention?"),
        input=text,
        answer=answer,
        wrong=wrong,
    )


def count_items(rng: Random) -> Fact:
    """How many things of a kind are in a mixed list."""
    kind, other = rng.sample(sorted(KINDS), 2)
    counted = rng.sample(KINDS[kind], rng.randint(1, 4))
    rest = rng.sample(KINDS[other], rng.randint(1, 4))
    items = counted + rest
    rng.shuffle(items)
    row, count = ", ".join(items), len(counted)
    named = ", ".join(item for item in items if item in counted)
    return Fact(
        statements=(
            f"In {row} the number of {kind}s is {count}: {named}.",
            f"Among {row} we count {count} of the kind {kind}, namely {named}.",
        ),
        questions=(
            f"How many {kind}s are in this list: {row}?",
            f"Count the {kind}s and name them: {row}",
            f"Go through {row} and say how many {kind}s there are.",
        ),
        answer=f"{count}: {named}",
        wrong=f"{count + 1}: {named}, {rest[0]}",
    )
