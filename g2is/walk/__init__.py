"""The gradient walk: from core knowledge to a selection, step by step, with a reason for each."""

from g2is.knowledge import component_affinities
from g2is.walk.budget import WalkPlan, budget_size, largest_remainder, plan_walk
from g2is.walk.trace import (
    ORIGINS,
    RULES,
    STOPS,
    ComponentSummary,
    Rejections,
    Steps,
    WalkTrace,
    replay,
)
from g2is.walk.walk import gradient_walk
from g2is.walk.why import Explanation, Taken, Verdict, explain

__all__ = [
    "ORIGINS",
    "RULES",
    "STOPS",
    "ComponentSummary",
    "Explanation",
    "Rejections",
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
