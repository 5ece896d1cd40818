"""How a step found its instruction and how that passed the rules, in words. No Streamlit."""

from __future__ import annotations

from g2is.app.shared.text import number
from g2is.config import WalkParameters
from g2is.walk import Taken


def came_from(taken: Taken, parameters: WalkParameters) -> str:
    """Where the step looked and what it found there, as Markdown."""
    affinity = number(taken.affinity)
    if taken.origin == "pin":
        return "⚑ **Pinned**: you asked for it, so it is chosen before the walk begins, for no direction."
    if taken.origin == "anchor":
        return (
            f"◆ **Anchor**: the walk for direction {taken.component} begins here, at the free instruction whose "
            f"gradient lies closest to the direction (cosine {affinity})."
        )
    if taken.origin == "neighbor":
        best = f", the closest to the direction of {taken.among} free ones (cosine {affinity})"
        which = "the nearest" if taken.among is None else "the best"
        return (
            f"● **Neighbour** of instruction {taken.previous:,}, the one chosen before, over an edge of "
            f"{number(taken.cosine)}: {which} that passes every rule{'' if taken.among is None else best}."
        )
    name, reason = (
        (
            "Best in pool",
            "no neighbour of the one chosen before passes the rules, so the whole pool is searched",
        )
        if parameters.knowledge_coherence
        else ("Next best", "with knowledge coherence off, every step searches the whole pool")
    )
    return (
        f"▲ **{name}**: {reason}, closest to direction {taken.component} first. This is the first free "
        f"instruction that passes (cosine {affinity})."
    )


def passed(taken: Taken, parameters: WalkParameters) -> str:
    """What the rules compared, as Markdown."""
    sign = "" if parameters.signed else ", whatever the sign"
    best = " (the best so far)" if parameters.consistency_reference == "best" else ""
    consistency = (
        f"at least {parameters.delta:g} × {number(taken.reference)}{best} = {number(taken.needed)} is needed{sign}"
        if parameters.consistency
        else "that rule is off"
    )
    conflict = (
        f"at least {number(parameters.conflict_threshold)} is needed"
        if parameters.no_conflict
        else "that rule is off"
    )
    variety = (
        ""
        if parameters.max_cosine is None
        else f"  \n**Maximum similarity** to those is {number(taken.highest_cosine)}; at most "
        f"{number(parameters.max_cosine)} is allowed."
    )
    return (
        f"**Consistency**: the alignment goes from {number(taken.before)} to {number(taken.after)}; {consistency}.  \n"
        "**No conflict**: its minimum similarity to what was chosen for the direction is "
        f"{number(taken.lowest_cosine)}; {conflict}.{variety}"
    )
