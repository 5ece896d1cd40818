"""The gradient walk: from core knowledge to a selection, with the reason for each step.

Knows arrays only. May import: errors, config, arrays, knowledge.
"""

from g2is.knowledge import component_affinities
from g2is.walk.budget import WalkPlan, budget_size, largest_remainder, plan_walk
from g2is.walk.explanation import Explanation, Taken, Verdict
from g2is.walk.rules import RULES, Rules
from g2is.walk.trace import (
    ORIGINS,
    STOPS,
    ComponentSummary,
    Rejections,
    Steps,
    WalkTrace,
    replay,
)
from g2is.walk.walk import gradient_walk
from g2is.walk.why import explain

__all__ = [
    "ORIGINS",
    "RULES",
    "STOPS",
    "ComponentSummary",
    "Explanation",
    "Rejections",
    "Rules",
    "Steps",
    "Taken",
    "Verdict",
    "WalkPlan",
    "WalkTrace",
    "budget_size",
    "component_affinities",
    "explain",
    "gradient_walk",
    "largest_remainder",
    "plan_walk",
    "replay",
]
