"""Names on screen of the walk's settings and their values, by their names in `WalkParameters`. No Streamlit."""

from __future__ import annotations

import re
from collections.abc import Sequence

from g2is.analysis import regimes
from g2is.config import WalkParameters
from g2is.figures.symbols import SYMBOLS
from g2is.walk import ORIGINS

PRESETS = {
    "recommended": (
        "Recommended",
        "round robin within the rules: every validation example in turn chooses the instruction closest to it",
    ),
    "graph": (
        "On the graph",
        "every validation example in turn steps along the graph, to the best neighbour of what it chose last",
    ),
    "official": ("Paper's original settings", "the values of the paper and its published script"),
}
"""The label of each preset, and what its values are; the first is where the app starts."""

MEASURED = (
    "These are the values of the paper. In our own measurements (docs/experiments.md) they chose worse than a random "
    "draw on four of six targets; **Recommended** chose better than they did on all six."
)
"""Of the paper's original settings."""

FIELDS = {
    "fraction": "Budget",
    "count": "Exact number",
    "component_budgets": "Budget per direction",
    "unspent": "Unused budget",
    "order": "Turn order",
    "regime": "Gradients",
    "knowledge": "Target directions",
    "variance": "Share of the spectrum kept",
    "components": "Number of directions",
    "center": "Subtract the mean first",
    "orient": "Flip sign towards the target",
    "unit_rows": "Normalise first",
    "facets_by": "How to group",
    "facets": "Number of groups",
    "seed": "Seed of the grouping",
    "knowledge_coherence": "Knowledge coherence",
    "neighbors": "Neighbours considered",
    "step_to": "Step to",
    "no_conflict": "No conflict",
    "conflict_threshold": "Minimum similarity to chosen instructions",
    "max_cosine": "Maximum similarity to chosen instructions",
    "consistency": "Consistency",
    "delta": "Alignment to keep (delta)",
    "consistency_reference": "Compared with the alignment",
    "pins": "Pinned",
    "bans": "Banned",
    "only": "Only these",
    "pin_sets": "Pinned sets",
    "ban_sets": "Banned sets",
    "only_sets": "Only these sets",
    "sources": "Source files",
    "without_sources": "Source files left out",
    "where": "Columns",
    "dedupe": "One of near-duplicates",
    "share": "Shares of the budget",
    "targets": "Validation targets",
    "without_target_rows": "Leave out what a target is made of",
}
VALUES = {
    "unspent": {"stop": "leave unused", "pass_on": "pass on to other directions"},
    "order": {"sequential": "one direction after the other (paper)", "in_turn": "round robin"},
    "regime": {**regimes.REGIME_NAMES, "adam": "Adam gradients (paper)"},
    "knowledge": {"principal": "principal directions (paper)", "facets": "groups of examples"},
    "facets_by": {
        "number": "a set number of groups",
        "silhouette": "the clearest groups, up to that number",
        "each": "each validation example alone",
    },
    "step_to": {
        "nearest": "the nearest that passes (paper)",
        "best": "the best that passes",
    },
    "consistency_reference": {"last": "at the last step (paper)", "best": "at its best so far"},
}
REGIME_NAMES = VALUES["regime"]
"""The gradient regimes."""


def origin_meanings(parameters: WalkParameters) -> dict[str, str]:
    """How a step of a walk with these settings may choose its instruction, for a legend: by what happens there. A walk
    that keeps to no neighbour never jumps."""
    goal = "example" if parameters.facet_per_example else "direction"
    meanings = {name: SYMBOLS[name].meaning for name in ORIGINS} | {
        "anchor": f"anchor: closest to its {goal}"
    }
    return meanings | ({} if parameters.knowledge_coherence else {"fallback": f"next best for its {goal}"})


def origin_names(parameters: WalkParameters) -> dict[str, str]:
    """The same in a word or two, with the marks, as in a table."""
    names = {name: SYMBOLS[name].label for name in ORIGINS}
    return names | (
        {} if parameters.knowledge_coherence else {"fallback": f"{SYMBOLS['fallback'].mark} next best"}
    )


def label(name: str) -> str:
    """The name of a setting within a sentence."""
    words = FIELDS.get(name, name.replace("_", " "))
    return words[0].lower() + words[1:]


def value_text(name: str, value: object) -> str:
    """The value of a setting in words."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, str):
        return VALUES.get(name, {}).get(value, value).removesuffix(" (paper)")
    if isinstance(value, float):
        return f"{100 * value:.4g} %" if name in ("fraction", "variance") else f"{value:.3g}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, dict):
        return ", ".join(f"{key} {share:.3g}" for key, share in value.items()) or "–"
    return ", ".join(map(str, value)) or "–" if isinstance(value, Sequence) else str(value)


_SETTING = re.compile(r"(\w+)(?: = ([^:]*))?: ")
_NAMES = re.compile(rf"(?<!-)\b({'|'.join(name for name in FIELDS if '_' in name)})\b(?: = (?=\S))?")


def in_labels(message: str) -> str:
    """What is wrong with settings of the walk, by the names that these have on screen."""
    begins = _SETTING.match(message)
    said, rest = "", message
    if begins and begins[1] in FIELDS:
        name, value = begins.groups()
        if name == "fraction" and value:
            value = f"{100 * float(value):.4g} %"
        said = f"{FIELDS[name]}{f' {value}' if value else ''}: "
        rest = message[begins.end() :].replace(
            "a larger fraction or a count", "a larger share or an exact number"
        )
    return said + _NAMES.sub(lambda found: label(found[1]) + " " * (len(found[0]) > len(found[1])), rest)
