"""Skills that bring the same content into another form."""

from __future__ import annotations

import json
from random import Random

from scripts.demo_data.skills.fact import Fact
from scripts.demo_data.skills.wording import listed
from scripts.demo_data.skills.words import JOBS, NAMES, SURNAMES, THINGS, TOWNS


def json_record(rng: Random) -> Fact:
    """Fields to a JSON object."""
    record = {
        "name": f"{rng.choice(NAMES)} {rng.choice(SURNAMES)}",
        "age": rng.randint(18, 80),
        "city": rng.choice(TOWNS),
        "job": rng.choice(JOBS),
    }
    kept = {key: record[key] for key in sorted(rng.sample(sorted(record), rng.randint(2, 4)))}
    fields = ", ".join(f"{key} {value}" for key, value in kept.items())
    answer = json.dumps(kept, ensure_ascii=False)
    return Fact(
        statements=(f"As JSON, {fields} is {answer}.", f"The JSON object {answer} holds {fields}."),
        questions=(
            f"Turn these fields into a JSON object: {fields}",
            f"Write JSON for {fields}.",
            f"Give me a JSON record with {fields}.",
        ),
        answer=answer,
        wrong=json.dumps({key: str(value)[::-1] for key, value in kept.items()}, ensure_ascii=False),
    )


def csv_sentence(rng: Random) -> Fact:
    """A line of comma-separated values to a sentence."""
    name, town, job, age = rng.choice(NAMES), rng.choice(TOWNS), rng.choice(JOBS), rng.randint(18, 80)
    line = f"{name},{age},{town},{job}"
    answer = f"{name} is {age} years old, lives in {town} and works as a {job}."
    return Fact(
        statements=(f"The line {line} says that {answer}", f"{answer} In short: {line}."),
        questions=(
            "Write this line of a table (name, age, town, job) as a sentence.",
            "Make a full sentence from the values name, age, town and job.",
            "Describe the person in this CSV line in one sentence.",
        ),
        input=line,
        answer=answer,
        wrong=f"{name} is {age + 1} years old, lives in {town} and works as a {job}.",
    )


def bullet_list(rng: Random) -> Fact:
    """A listing in running text to lines with dashes."""
    name, items = rng.choice(NAMES), [f"{rng.randint(2, 9)} {thing}s" for thing in rng.sample(THINGS, 4)]
    items = items[: rng.randint(2, 4)]
    told = listed(items)
    answer = "\n".join(f"- {item}" for item in items)
    return Fact(
        statements=(f"{name} needs {told}. As a list:\n{answer}", f"The list\n{answer}\nholds {told}."),
        questions=(
            f"Make a bulleted list: {name} needs {told}.",
            f"Write the shopping of {name} as bullet points: {told}.",
            f"Put each thing on a line of its own with a dash: {told}.",
        ),
        answer=answer,
        wrong="\n".join(f"- {item}" for item in items[1:]),
    )


def thank_you_note(rng: Random) -> Fact:
    """A short letter; the only skill with several right answers."""
    name, sender = rng.sample(NAMES, 2)
    thing, town = rng.choice(THINGS), rng.choice(TOWNS)
    answer = rng.choice(
        (
            f"Dear {name},\nthank you very much for the {thing}. It made me smile all day. "
            f"I hope to see you in {town} soon.\nYours, {sender}",
            f"Hello {name},\nwhat a lovely {thing}! Thank you for thinking of me. "
            f"Come and visit me in {town} whenever you like.\nBest wishes, {sender}",
        )
    )
    return Fact(
        statements=(
            f"{sender} from {town} thanks {name} for the {thing}: {answer}",
            answer,
        ),
        questions=(
            f"Write a short note from {sender} in {town} to {name}, who gave a {thing} as a present.",
            f"{sender} lives in {town} and wants to thank {name} for a {thing}. Write the letter.",
            f"Help {sender} from {town} to say thanks to {name} for the {thing}.",
        ),
        answer=answer,
        wrong=f"Dear {sender},\nI never wanted a {thing}. Please keep away from {town}.\n{name}",
    )
