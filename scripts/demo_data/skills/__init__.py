"""The skills of the demo: small seeded functions that make facts.

No skill knows of pools, targets or files; `scripts.demo_data.files` decides how much of each is taken.
"""

from __future__ import annotations

from scripts.demo_data.skills.days import calendar_date, clock, weekday
from scripts.demo_data.skills.fact import Fact, Skill
from scripts.demo_data.skills.formatting import bullet_list, csv_sentence, json_record, thank_you_note
from scripts.demo_data.skills.letters import count_letter, initials, reverse, sorting
from scripts.demo_data.skills.logic import code_output, true_false
from scripts.demo_data.skills.numbers import (
    arithmetic,
    comparison,
    money_change,
    roman_numeral,
    sequence,
    sum_in_words,
    unit_conversion,
    word_problem,
)
from scripts.demo_data.skills.reading import count_items, extraction, table_lookup
from scripts.demo_data.skills.vocabulary import opposite, plausibility, word_form

SKILLS: dict[str, Skill] = {
    skill.__name__: skill
    for skill in (
        arithmetic,
        word_problem,
        unit_conversion,
        money_change,
        sequence,
        comparison,
        roman_numeral,
        sum_in_words,
        weekday,
        calendar_date,
        clock,
        reverse,
        count_letter,
        initials,
        sorting,
        table_lookup,
        extraction,
        count_items,
        json_record,
        csv_sentence,
        bullet_list,
        thank_you_note,
        opposite,
        word_form,
        plausibility,
        true_false,
        code_output,
    )
}

__all__ = ["SKILLS", "Fact", "Skill"]
