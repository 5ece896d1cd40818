"""The command line's grammar both ways: settings written as arguments are read as the same settings."""

import argparse
import shlex
from typing import Annotated, Any, Literal, get_args, get_origin

import annotated_types
import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from g2is.cli import make_parser
from g2is.config import (
    WALK_PRESETS,
    BuildConfig,
    EnsembleConfig,
    EvaluationConfig,
    Hardware,
    ImportConfig,
    Settings,
    WalkParameters,
    Workload,
    grammar,
    walk_preset,
)
from g2is.config.commands import build_command, command, export_command, walk_command
from g2is.config.conditions import check_condition, split_share
from g2is.config.grammar import OneLineParser, add_settings, read_settings, write_settings
from g2is.errors import InputError
from g2is.selectors import METHODS

KINDS = [
    *(BuildConfig, ImportConfig, EnsembleConfig, EvaluationConfig, Workload, Hardware, WalkParameters),
    *METHODS.values(),
]
# What a shell or argparse could take for something else. NUL and lone surrogates cannot be in an argument, and
# argparse drops a value that is "--" and nothing else.
TEXTS = (
    st.sampled_from(
        ["-", "--x", "-1", "--run", "-x=1", "a b", "", "'", '"', "$HOME", "a=b", "…", "on", "*", "\n"]
    )
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
).filter(lambda text: text != "--")


def _fits(check: Any, text: str) -> bool:
    try:
        check(text)
    except ValueError:
        return False
    return True


CONDITIONS = st.builds("{}{}{}".format, TEXTS, st.sampled_from(["=", "!="]), TEXTS).filter(
    lambda text: _fits(check_condition, text)
)
SHARES = st.builds("{}={}:{}".format, TEXTS, TEXTS, st.sampled_from(["0", "0.1", ".3", "1e-3"])).filter(
    lambda text: _fits(split_share, text)
)
SETS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,9}(@[0-9a-f]{12})?", fullmatch=True)
OF_FORM = {"where": CONDITIONS, "share": SHARES} | dict.fromkeys(("pin_sets", "ban_sets", "only_sets"), SETS)
"""Settings whose text has a form of its own."""

sixty = hypothesis.settings(max_examples=60, derandomize=True)


def values(annotation: Any, bounds: list[Any]) -> st.SearchStrategy[Any]:
    """Values of a field, within its bounds."""
    parts = get_args(annotation)
    if get_origin(annotation) is Annotated:
        return values(parts[0], [bound for info in parts[1:] for bound in getattr(info, "metadata", [info])])
    if get_origin(annotation) is Literal:
        return st.sampled_from(parts)
    if get_origin(annotation) is tuple:
        return st.lists(values(parts[0], []), min_size=1, max_size=3).map(tuple)
    if get_origin(annotation) is dict:
        return st.dictionaries(TEXTS.filter(bool), values(parts[1], []), min_size=1, max_size=3)
    if type(None) in parts:
        return values(next(kind for kind in parts if kind is not type(None)), bounds)
    if annotation is bool:
        return st.booleans()
    if annotation is str:
        return TEXTS
    limits: dict[str, Any] = {}
    for bound in bounds:
        for name in ("ge", "gt", "le", "lt"):
            if isinstance(bound, getattr(annotated_types, name.capitalize())):
                limits[name] = getattr(bound, name)
    least, most = (limits.get(name, limits.get(open_)) for name, open_ in (("ge", "gt"), ("le", "lt")))
    if annotation is int:
        return st.integers(least + ("gt" in limits), most - ("lt" in limits))
    assert annotation is float
    return st.floats(least, most, exclude_min="gt" in limits, exclude_max="lt" in limits)


@st.composite
def settings_of(draw: st.DrawFn, kind: type[Settings]) -> Any:
    """Settings with some of their fields set, each to any value that it takes."""
    chosen: dict[str, Any] = {}
    budget = draw(st.sampled_from(["fraction", "count"]))
    for name, field in kind.model_fields.items():
        nested = field.annotation if isinstance(field.annotation, type) else None
        if nested and issubclass(nested, Settings):
            chosen[name] = draw(settings_of(nested))
        elif field.is_required() or (
            draw(st.booleans()) if name not in ("fraction", "count") else name == budget
        ):
            form = OF_FORM.get(name)
            several = (
                values(field.annotation, field.metadata)
                if form is None
                else st.lists(form, min_size=1, max_size=3).map(tuple)
            )
            chosen[name] = draw(several)
    if kind is WalkParameters and chosen.get("conflict_threshold", 0) > (chosen.get("max_cosine") or 0):
        chosen.pop("max_cosine", None)  # would leave no sample that could pass
    try:
        return kind(**chosen)
    except InputError:
        # Settings that exclude each other, such as more checkpoints than epochs.
        hypothesis.reject()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@sixty
@given(data=st.data())
def test_settings_written_as_arguments_are_read_as_the_same(kind, data):
    settings = data.draw(settings_of(kind))
    parser = OneLineParser()
    add_settings(parser, kind)
    assert read_settings(kind, parser.parse_args(write_settings(settings))) == settings


@sixty
@given(settings_of(WalkParameters), TEXTS.filter(bool))
def test_a_walk_command_gives_the_same_walk(walk, output):
    words = shlex.split(walk_command("demo", walk.model_dump(mode="json"), output=output))
    arguments = make_parser().parse_args(words[1:])
    assert walk_preset(arguments.preset, **grammar.given(WalkParameters, arguments)) == walk
    assert arguments.run == "demo"


@pytest.mark.parametrize("preset", WALK_PRESETS)
def test_a_walk_command_names_what_differs_from_the_closest_preset(preset):
    walk = walk_preset(preset, count=7, delta=0.5)
    words = walk_command("demo", walk.model_dump(mode="json"), output="selection.json", cache="runs")
    expected = f"--preset {preset} --count 7 --delta 0.5 --output selection.json --cache runs"
    assert words == f"g2is walk demo {expected}"


@sixty
@given(settings_of(BuildConfig), st.lists(TEXTS, min_size=1, max_size=3), TEXTS)
def test_a_build_command_gives_the_same_build(config, train, target):
    # Several files of which one begins with a hyphen cannot be given; a person writes ./-file then.
    train = [name.lstrip("-") for name in train]
    text = build_command(config, "-name", train, [(target, "v.jsonl")], cache="c d")
    arguments = make_parser().parse_args(shlex.split(text)[1:])
    assert read_settings(BuildConfig, arguments) == config
    assert (arguments.run, arguments.train, str(arguments.cache)) == ("-name", train, "c d")
    assert arguments.validation == [f"{target}=v.jsonl"]


@sixty
@given(settings_of(ImportConfig))
def test_an_import_command_leaves_blanks_for_files_that_are_not_known(config):
    text = build_command(config, "mine", ["pool.jsonl"], [])
    arguments = make_parser().parse_args(shlex.split(text)[1:])
    assert read_settings(ImportConfig, arguments) == config
    assert "--train-gradients … --validation-gradients …" in text


def test_the_cache_is_named_where_it_is_not_the_default():
    assert command("demo") == command("demo", cache="cache") == "g2is demo"
    assert command("demo", cache="/data/my runs") == "g2is demo --cache '/data/my runs'"
    export = export_command("r", selection="s.json", format="csv", output="it's", cache="c")
    expected = ["export", "r", "--selection", "s.json", "--format", "csv", "--output", "it's", "--cache", "c"]
    assert shlex.split(export)[1:] == expected


def test_a_list_may_be_given_in_parts():
    parser = argparse.ArgumentParser()
    add_settings(parser, WalkParameters)
    arguments = parser.parse_args(["--sources", "a", "b", "--sources=-c", "--count", "1"])
    assert read_settings(WalkParameters, arguments).sources == ("a", "b", "-c")
