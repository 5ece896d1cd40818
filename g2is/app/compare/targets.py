"""The validation examples that selections are judged by: those of the walk, of one target, or all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from g2is.analysis.walks import examples_in_use, targets_in_use
from g2is.app.shared import in_url, literal, one_of, url_value, visible
from g2is.app.walk.parameters import parameters_in_url
from g2is.errors import InputError
from g2is.run.run import Run

OF_WALK, ALL = "", "(all)"
"""Choices beside the names of targets."""


@dataclass(frozen=True, eq=False)
class Judged:
    """targets: their names. rows: of their examples among all validation examples of the run."""

    targets: tuple[str, ...]
    rows: NDArray[np.int64]

    @property
    def words(self) -> str:
        """The targets, in Markdown."""
        return ", ".join(literal(visible(name)) for name in self.targets)


def choose_judged(run: Run) -> Judged:
    """A box over the targets, where a run has several; what is chosen in it."""
    if len(names := _names(run)) > 1:
        labels = {
            OF_WALK: f"of this walk: {', '.join(map(visible, _of_walk(run).targets))}",
            ALL: "all together",
        }
        st.selectbox(
            "Validation target",
            [OF_WALK, *names, ALL],
            format_func=lambda name: labels.get(name, visible(name)),
            width=260,
            **in_url("against", OF_WALK, one_of([*names, ALL])),
        )
    return judged_in_url(run)


def judged_in_url(run: Run) -> Judged:
    """The same, where the box is drawn further down."""
    names = _names(run)
    chosen = url_value("against", OF_WALK, one_of([*names, ALL])) if len(names) > 1 else ALL
    if chosen == OF_WALK:
        return _of_walk(run)
    targets = tuple(names) if chosen == ALL else (chosen,)
    return Judged(targets, np.flatnonzero(run.validation["target"].isin(targets)))


def _names(run: Run) -> list[str]:
    return [target.name for target in run.targets]


def _of_walk(run: Run) -> Judged:
    try:
        parameters = parameters_in_url(run)
    except InputError:  # the box of selections says what is wrong
        return Judged(
            tuple(run.usual_targets), np.flatnonzero(run.validation["target"].isin(run.usual_targets))
        )
    return Judged(tuple(targets_in_use(run, parameters)), examples_in_use(run, parameters))
