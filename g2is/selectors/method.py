"""The base of all selection methods, the pool they read, and their registry.

A method is a class of checked settings with `select`. A selection file contains the method's name and settings, which
is all that is needed to repeat the selection.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from g2is.config import RegimeName, Settings
from g2is.config.settings import Budget, Condition
from g2is.errors import InputError
from g2is.walk.budget import budget_size

if TYPE_CHECKING:
    import pandas as pd

Rows: TypeAlias = NDArray[np.int64]
Array: TypeAlias = NDArray[np.floating]


class Regime(Protocol):
    """Training gradients in one regime."""

    @property
    def gradients(self) -> np.ndarray:
        """(n, d) unit rows, of any number type that a run stores."""

    @property
    def norms(self) -> np.ndarray:
        """(n,) their lengths before normalising."""

    @property
    def validation_cosines(self) -> np.ndarray:
        """(n, m) cosine of each row to every validation gradient."""


class Representations(Protocol):
    """Pooled hidden states of the base model."""

    @property
    def samples(self) -> np.ndarray:
        """(n, h) unit rows of the pool."""

    @property
    def validation(self) -> np.ndarray:
        """(m, h) unit rows of the validation samples."""


class Pool(Protocol):
    """What methods read of a pool of n samples and its m validation samples; `Run` provides all of it."""

    @property
    def name(self) -> str:
        """The name of the pool, for messages."""

    @property
    def valid(self) -> np.ndarray:
        """(n,) bool: the samples that can be selected."""

    @property
    def instructions(self) -> pd.DataFrame:
        """One row a sample: source, tokens, trained_tokens and others, without its texts."""

    def conversations(self) -> Iterator[tuple[str, str]]:
        """Prompt and response of each sample, in order."""

    @property
    def validation(self) -> pd.DataFrame:
        """One row a validation sample: target, task, prompt, response and others."""

    def validation_gradients_in(self, regime: RegimeName, /) -> np.ndarray:
        """(m, d) gradients as they are compared with the rows of a regime, not normalised."""

    @property
    def ensemble(self) -> pd.DataFrame:
        """One row a sample: early, late, late_variance."""

    @property
    def usual_targets(self) -> list[str]:
        """The targets that a method is for where none are named."""

    def target_rows(self, targets: Iterable[str] | None, /) -> Rows:
        """The samples that some targets were made of; None for the usual targets."""

    def matching(self, where: Sequence[str], /) -> np.ndarray:
        """(n,) bool: the samples that fit conditions on columns; raises `InputError` where none does."""

    def one_of_each(self, allowed: np.ndarray, /) -> np.ndarray:
        """(n,) bool: of samples (n,) bool, one of each group of near-duplicates."""

    def regime(self, name: RegimeName, /) -> Regime: ...

    def representations(self, pooling: Literal["weighted", "mean"], /) -> Representations: ...


class Restricted:
    """A pool of which some samples can be selected alone; all else is asked of the pool itself."""

    def __init__(self, pool: Pool, valid: np.ndarray) -> None:
        self._pool, self.valid = pool, valid

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)


class Method(Settings):
    """A selection method: its settings are fields, `select` applies it."""

    method: ClassVar[str]
    """Its name; `register` sets it."""

    where: tuple[Condition, ...] = Field(
        (), description="conditions on columns of the pool: COLUMN=VALUE, COLUMN!=VALUE, COLUMN=LOW..HIGH"
    )

    dedupe: bool = Field(
        False,
        description="of near-duplicates (the same text, or gradients with a cosine of 0.99 or more) only the first can "
        "be selected",
    )

    def restricted(self, pool: Pool) -> Pool:
        """The pool, of which only what fits the conditions can be selected, and of near-duplicates the first."""
        valid = pool.valid & pool.matching(self.where) if self.where else pool.valid
        if self.dedupe:
            valid = pool.one_of_each(valid)
        return pool if valid is pool.valid else Restricted(pool, valid)

    def select(self, pool: Pool) -> Rows:
        """The rows selected from a pool, in order of choice.

        Raises `InputError` if the settings do not fit the pool, or the pool lacks what the method needs.
        """
        raise NotImplementedError


class BudgetedMethod(Budget, Method):
    """A method that selects a given number of samples."""

    def select(self, pool: Pool) -> Rows:
        budget = budget_size(self.fraction, self.count, int(pool.valid.sum()))
        pool = self.restricted(pool)
        if budget > (fitting := int(pool.valid.sum())):
            raise InputError(
                f"{'where' if self.where else 'dedupe'}: {fitting:,} valid samples fit, fewer than the budget of "
                f"{budget:,}; lower that, or widen it"
            )
        return self.choose(pool, budget)

    def choose(self, pool: Pool, budget: int) -> Rows:
        """`budget` rows of the pool, which has at least that many valid rows."""
        raise NotImplementedError


@dataclass(frozen=True)
class Examples:
    """The validation samples of some targets.

    rows: (m,) their rows among all validation samples of the pool. targets: (m,) the target of each. subtasks: (m,) its
    target and the task within it.
    """

    rows: NDArray[np.int64]
    targets: Sequence[Hashable]
    subtasks: Sequence[Hashable]


class TargetedMethod(BudgetedMethod):
    """A method that compares samples with the validation samples."""

    targets: tuple[str, ...] | None = Field(
        None, min_length=1, description="validation targets to select for (those of the build)"
    )
    without_target_rows: bool = Field(
        True, description="never select the instructions that these targets were made of"
    )

    def restricted(self, pool: Pool) -> Pool:
        """The pool, without what does not fit the conditions and, unless it may, without the targets' own rows."""
        pool = super().restricted(pool)
        own = pool.target_rows(self.targets) if self.without_target_rows else np.zeros(0, np.int64)
        if not len(own):
            return pool
        valid = pool.valid.copy()
        valid[own] = False
        return Restricted(pool, valid)

    def examples(self, pool: Pool) -> Examples:
        """The validation samples of the targets; raises `InputError` for an unknown target."""
        names = pool.validation["target"]
        known = list(dict.fromkeys(names))
        for name in self.targets or ():
            if name not in known:
                raise InputError(f"targets: no target {name!r}; there are {', '.join(map(repr, known))}")
        rows = np.flatnonzero(names.isin(self.targets or pool.usual_targets))
        frame = pool.validation.iloc[rows]
        subtasks = list(zip(frame["target"], frame["task"].fillna(""), strict=True))
        return Examples(rows, frame["target"].tolist(), subtasks)


METHODS: dict[str, type[Method]] = {}
"""The registered methods by name."""

M = TypeVar("M", bound=type[Method])


def register(name: str) -> Callable[[M], M]:
    """Class decorator: register a method under a name."""

    def add(kind: M) -> M:
        kind.method = name
        METHODS[name] = kind
        return kind

    return add


def method_settings(method: str, values: Mapping[str, Any]) -> Method:
    """A method with checked settings; raises `InputError` for an unknown method or setting."""
    if method not in METHODS:
        raise InputError(f"method = {method!r}: expected one of {', '.join(METHODS)}")
    fields = METHODS[method].model_fields
    for name in values:
        if name not in fields:
            raise InputError(
                f"{name}: method {method} has no such setting; it has {', '.join(fields) or 'none'}"
            )
    return METHODS[method](**values)
