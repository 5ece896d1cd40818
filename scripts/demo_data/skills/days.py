"""Skills about weekdays, dates and the clock."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from scripts.demo_data.skills.fact import Fact
from scripts.demo_data.skills.wording import days
from scripts.demo_data.skills.words import MONTHS, NAMES, WEEKDAYS


def weekday(rng: Random) -> Fact:
    """The weekday some days before or after another."""
    start, count = rng.randrange(7), rng.randint(1, 60)
    word, sign = rng.choice((("after", 1), ("before", -1)))
    today, found = WEEKDAYS[start], WEEKDAYS[(start + sign * count) % 7]
    span = days(count)
    return Fact(
        statements=(
            f"The day {span} {word} {today} is {found}.",
            f"{span} {word} {today} comes {found}.",
            f"Take {today}: {span} {word} it, it is {found}.",
        ),
        questions=(
            f"Which day is {span} {word} {today}?",
            f"Name the weekday that is {span} {word} {today}.",
            f"Today is {today}. What day {f'will it be in {span}' if sign > 0 else f'was it {span} ago'}?",
        ),
        target_questions=(
            f"What day of the week comes {span} {word} a {today}?",
            f"Count {span} {'forward' if sign > 0 else 'back'} from {today}. Where do you end?",
        ),
        answer=found,
        wrong=WEEKDAYS[(start + sign * count + rng.randint(1, 6)) % 7],
    )


def calendar_date(rng: Random) -> Fact:
    """The date some days after another, in a year that is not a leap year."""
    start = date(2023, 1, 1) + timedelta(days=rng.randrange(330))
    count = rng.randint(2, 30)
    first, found, wrong = (
        f"{day.day} {MONTHS[day.month - 1]}"
        for day in (
            start,
            start + timedelta(days=count),
            start + timedelta(days=count + rng.choice((1, 2, 7))),
        )
    )
    return Fact(
        statements=(
            f"{count} days after {first} it is {found}.",
            f"From {first} it takes {count} days until {found}.",
        ),
        questions=(
            f"What is the date {count} days after {first}?",
            f"A parcel sent on {first} arrives {count} days later. On which date?",
            f"Add {count} days to {first}. The year is not a leap year.",
        ),
        answer=f"It is {found}.",
        wrong=f"It is {wrong}.",
    )


def clock(rng: Random) -> Fact:
    """The time of day some minutes later."""
    name = rng.choice(NAMES)
    start = rng.randrange(6 * 60, 19 * 60, 5)
    minutes = rng.randrange(10, 200, 5)
    first, found, wrong = (
        f"{moment // 60:02d}:{moment % 60:02d}"
        for moment in (start, start + minutes, start + minutes + rng.choice((5, 10, 60)))
    )
    return Fact(
        statements=(
            f"{minutes} minutes after {first} the clock shows {found}.",
            f"A film of {minutes} minutes that starts at {first} ends at {found}.",
        ),
        questions=(
            f"A train leaves at {first} and needs {minutes} minutes. When does it arrive?",
            f"It is {first}. What will the clock show in {minutes} minutes?",
            f"{name} starts at {first} and works for {minutes} minutes. When is the work done?",
        ),
        answer=f"At {found}.",
        wrong=f"At {wrong}.",
    )
