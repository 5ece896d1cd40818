"""Walks with everything that pages show of them, cached by their parameters."""

from __future__ import annotations

import time
from dataclasses import dataclass

import streamlit as st

from g2is.analysis import walks
from g2is.analysis.diagnosis import Diagnosis, diagnose
from g2is.app.shared.labels import in_labels
from g2is.config import WalkParameters
from g2is.errors import InputError
from g2is.knowledge import CoreKnowledge
from g2is.run.run import Run
from g2is.walk import Explanation, WalkTrace


@dataclass(frozen=True, eq=False)
class Walked:
    """A walk over a run. seconds: the time it took when it was computed, with its core knowledge."""

    parameters: WalkParameters
    trace: WalkTrace
    knowledge: CoreKnowledge
    diagnosis: Diagnosis
    seconds: float

    @property
    def examples(self) -> list[int]:
        """The validation example that stands for each target direction."""
        return self.knowledge.examples.tolist()

    def explain(self, run: Run, sample: int) -> Explanation:
        """Why an instruction is in the walk, or not."""
        return walks.explain(run, self.trace, sample)


def walk_id(run: Run, walked: Walked) -> str:
    """Identifies a walk over a run."""
    return f"{run.state} {walked.parameters.model_dump_json()}"


def walked(run: Run, parameters: WalkParameters) -> Walked:
    """The walk over a run. Raises `InputError` if the parameters do not fit it, with their names on screen."""
    last = last_walked(run)
    try:
        # With versions, so that a set that somebody changes gives another walk.
        parameters = walks.with_versions(run, parameters)
        current = _walk(run, run.state, parameters.model_dump_json(), parameters)
    except InputError as error:
        raise InputError(in_labels(str(error))) from None
    if last is None or last.parameters != current.parameters:
        st.session_state["walked before"] = last
    st.session_state["walked"], st.session_state["walked on"] = current, run.state
    return current


def last_walked(run: Run) -> Walked | None:
    """The walk shown before, if it was over this run."""
    return st.session_state.get("walked") if st.session_state.get("walked on") == run.state else None


def walked_before(run: Run) -> Walked | None:
    """The walk with the parameters before the last change, over this run."""
    return st.session_state.get("walked before") if last_walked(run) else None


@st.cache_resource(max_entries=32, show_spinner="Walking…")
def _walk(_run: Run, run_hash: str, key: str, _parameters: WalkParameters) -> Walked:
    started = time.perf_counter()
    trace = walks.walk(_run, _parameters)
    seconds = time.perf_counter() - started
    return Walked(_parameters, trace, walks.core_knowledge(_run, _parameters), diagnose(_run, trace), seconds)
