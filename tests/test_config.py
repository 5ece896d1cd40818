"""Every number that can be set: it has a least and a most, and what the libraries take is within them."""

import random
import re
from collections.abc import Iterator
from typing import Any, get_args

import annotated_types
import numpy as np
import pytest
import torch
from pydantic.fields import FieldInfo
from sklearn.utils import check_random_state

import g2is.selectors  # noqa: F401  its methods are settings too
from g2is.config import Settings
from g2is.errors import InputError


def every_kind(settings: type[Settings] = Settings) -> Iterator[type[Settings]]:
    """All classes of settings of the project; tests define some of their own."""
    for kind in settings.__subclasses__():
        if kind.__module__.startswith("g2is."):
            yield kind
        yield from every_kind(kind)


def types_in(annotation: Any) -> set[Any]:
    """What a field is made of: `tuple[int, ...] | None` of int, among others."""
    return {annotation}.union(*map(types_in, get_args(annotation)))


def numbers(settings: type[Settings]) -> dict[str, FieldInfo]:
    """The fields with one number."""
    fields = settings.model_fields.items()
    return {
        name: field
        for name, field in fields
        if {field.annotation, *get_args(field.annotation)} & {int, float}
    }


def least_and_most(field: FieldInfo) -> tuple[float, float]:
    """The bounds of a field, the open ones taken a step inside."""
    kind = int if int in types_in(field.annotation) else float
    least = most = None
    for bound in field.metadata:
        if isinstance(bound, annotated_types.Ge):
            least = bound.ge
        elif isinstance(bound, annotated_types.Gt):
            least = bound.gt + 1 if kind is int else np.nextafter(bound.gt, 1)
        elif isinstance(bound, annotated_types.Le):
            most = bound.le
        elif isinstance(bound, annotated_types.Lt):
            most = bound.lt - 1 if kind is int else np.nextafter(bound.lt, 0)
    assert least is not None and most is not None, field
    return kind(least), kind(most)


EVERY = {(kind.__name__, name): kind for kind in every_kind() for name in kind.model_fields}
NUMBERS = {key: kind for key, kind in EVERY.items() if key[1] in numbers(kind)}
OF_SEVERAL = {
    key: kind
    for key, kind in EVERY.items()
    if key not in NUMBERS and types_in(kind.model_fields[key[1]].annotation) & {int, float}
}
BEYOND = [10**30, str(10**30), "9" * 400, "9" * 5000, -(10**30), 1e300, "1e400", float("nan")]


def refused(kind: type[Settings], name: str, value: object) -> str:
    with pytest.raises(InputError) as caught:
        kind(**{name: value})
    said = str(caught.value)
    assert (
        name in said
        and re.search("expected (less|greater|a)", said)
        and said.isprintable()
        and len(said) < 300
    ), said
    return said


def test_settings_with_numbers_are_found():
    assert len(NUMBERS) > 60 and ("WarmupConfig", "seed") in NUMBERS
    of_walks = {"component_budgets", "pins", "bans", "only", "targets"}
    assert {name for _, name in OF_SEVERAL} == {*of_walks, "checkpoint_weights"}


@pytest.mark.parametrize(("settings", "name"), NUMBERS)
def test_a_number_has_a_least_and_a_most(settings, name):
    kind = NUMBERS[settings, name]
    for value in BEYOND:
        refused(kind, name, value)
    for value in least_and_most(kind.model_fields[name]):
        try:
            made = kind(**{name: value})
        except InputError as error:  # another field is missing
            assert f"{name} =" not in str(error)
        else:
            assert getattr(made, name) == value


@pytest.mark.parametrize(("settings", "name"), OF_SEVERAL)
@pytest.mark.parametrize("value", BEYOND)
def test_each_of_several_numbers_has_a_least_and_a_most(settings, name, value):
    several = {"a": value} if name in ("targets", "checkpoint_weights") else [1, value]
    refused(OF_SEVERAL[settings, name], name, several)


@pytest.mark.parametrize(("settings", "name"), [key for key in NUMBERS if key[1].endswith("seed")])
def test_every_library_takes_the_largest_seed(settings, name):
    _, seed = least_and_most(NUMBERS[settings, name].model_fields[name])
    assert seed >= 2**31 - 1
    np.random.default_rng((seed, 2**31))
    np.random.RandomState(seed)
    check_random_state(seed).random()
    random.Random(seed)
    state = torch.get_rng_state()
    torch.manual_seed(seed * 1_000_003 + 2**40)  # as training seeds its steps
    torch.set_rng_state(state)
