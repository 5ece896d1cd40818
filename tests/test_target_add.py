"""Targets are added to a finished run from files: as a build with them, without touching the pool."""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from g2is.__main__ import main
from g2is.config import ImportConfig
from g2is.errors import InputError
from g2is.pipeline.adding import add_examples
from g2is.pipeline.inputs import Target
from g2is.pipeline.progress import Progress
from g2is.pipeline.sent import fits_of
from g2is.pipeline.taking import ExampleTaker
from g2is.run.paths import progress_path
from g2is.run.run import Run
from tests.format_1 import as_format_1
from tests.test_pipeline import configuration, files, make, run  # noqa: F401
from tests.test_upgrade import Killed, bytes_of, killed_at
from tests.tiny import write_pool

MORE = 5
ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def more(files) -> Path:  # noqa: F811
    return write_pool(files / "more.jsonl", MORE, seed=7)


@pytest.fixture(scope="module")
def whitened(files, tmp_path_factory) -> Run:  # noqa: F811
    """Two checkpoints, every regime, representations."""
    return make(tmp_path_factory.mktemp("whitened") / "run", files, everything(files), extras=extras())


def everything(files):  # noqa: F811
    regimes = ("adam", "adam_without_momentum", "sgd", "whitened")
    return configuration(files, warmup={"epochs": 3}, gradients={"checkpoints": 2, "regimes": regimes})


def extras():
    from g2is.pipeline.extras import Extras

    return Extras(representations=True)


def copied(run: Run, tmp_path: Path) -> Path:  # noqa: F811
    return shutil.copytree(run.folder, tmp_path / "copy")


def test_it_is_what_a_build_with_this_target_would_have_taken(whitened, files, more, tmp_path):  # noqa: F811
    both = [Target("words", files / "target.jsonl"), Target("more", more)]
    expected = make(tmp_path / "both", files, everything(files), extras=extras(), validation=both)
    folder = copied(whitened, tmp_path)
    before = bytes_of(folder)
    found = add_examples(folder, both[1:])
    after = bytes_of(folder)
    assert found.complete and found.check() == [] and found.hash == whitened.hash == expected.hash
    assert {name: after[name] for name in before} == before
    new = {name for name in after if name.startswith("targets/more/")}
    assert after.keys() - before.keys() == new
    wanted = bytes_of(expected.folder)
    assert {name: after[name] for name in new} == {name: wanted[name] for name in new}
    assert "targets/more/whitened/cosines.npy" in new and "targets/more/representations/mean.npy" in new
    assert [(one.name, one.size, one.origin) for one in found.targets] == [
        ("words", 6, "build"),
        ("more", MORE, "files"),
    ]
    assert found.representations("mean").validation.shape[0] == 6 + MORE


def test_what_is_dropped_cut_and_repaired_is_said_and_kept(run, files, tmp_path, capsys):  # noqa: F811
    path = tmp_path / "mixed.jsonl"
    lines = [
        '{"question": "one", "answer": "eno"}',
        '{"question": "%s", "answer": "long"}' % ("word " * 100),
        '{"question": "why", "answer": "%s"}' % ("z" * 400),
        '{"question": "nothing", "answer": ""}',
        "no record",
        '{"question": "two", "answer": "owt"}',
    ]
    path.write_text("\n".join(lines))
    folder = str(copied(run, tmp_path))
    assert main(["target", "add", folder, f"mixed={path}"]) == 2
    assert "mixed.jsonl:4" in capsys.readouterr().err
    assert main(["target", "add", folder, f"mixed={path}", "--skip-bad"]) == 0
    said = capsys.readouterr().err
    assert "target mixed: 4 examples" in said and "left out: 2, they have no gradient" in said
    assert "1 of 4 examples are too long: the start of the prompt was cut" in said
    assert "1 of 4 examples are too long: the end of the response was cut" in said
    assert "mixed.jsonl:5" in said
    facts = Run.open(folder).manifest.targets["targets/mixed"].found
    assert len(facts["left_out"]) == 2 and facts["examples"] == 4
    assert any("too long" in line for line in facts["reading"])
    assert facts["inputs"][0]["name"] == "mixed.jsonl" and facts["inputs"][0]["target"] == "mixed"


def refused(folder: Path, match: str, targets: list[Target], **options) -> None:
    before = bytes_of(folder)
    with pytest.raises(InputError, match=match) as caught:
        add_examples(folder, targets, **options)
    assert "\n" not in str(caught.value) and bytes_of(folder) == before
    assert not progress_path(folder).exists()


def test_what_cannot_be_added_is_refused_in_one_line(run, files, more, tmp_path):  # noqa: F811
    folder = copied(run, tmp_path)
    good = [Target("more", more)]
    refused(folder, "one of this name", [Target("words", more)])
    refused(folder, "expected a name", [Target(" ", more)])
    one = write_pool(tmp_path / "one.jsonl", 1)
    refused(folder, r"one=.*1 sample.*at least 2", [*good, Target("one", one)])
    refused(folder, "gone.jsonl: cannot be read", [Target("gone", tmp_path / "gone.jsonl")])
    refused(folder, "expected a Hugging Face id or a folder", good, model=str(tmp_path / "nothing"))
    other = shutil.copytree(files / "model", tmp_path / "other")
    moved = shutil.copytree(files / "model", tmp_path / "moved")
    (other / "chat_template.jinja").write_text("{{ messages[0].content }}")
    refused(folder, r"is not the one that run copy was built with.*--model", good, model=str(other))
    state = folder / "warmup.safetensors"
    whole = state.read_bytes()
    state.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    refused(folder, "warmup.safetensors: its content has changed", good)
    state.write_bytes(whole)
    assert [one.name for one in add_examples(folder, good, model=str(moved)).targets] == ["words", "more"]


def test_a_model_that_moved_is_asked_for(run, files, more, tmp_path):  # noqa: F811
    folder, elsewhere = copied(run, tmp_path), tmp_path / "elsewhere"
    (files / "model").rename(elsewhere)
    try:
        refused(folder, "--model says where it is now", [Target("more", more)])
        add_examples(folder, [Target("more", more)], model=str(elsewhere))
    finally:
        elsewhere.rename(files / "model")


def test_a_run_of_format_1_is_upgraded_only_once_the_examples_are_read(run, more, tmp_path):  # noqa: F811
    old = as_format_1(run, tmp_path / "old")
    refused(old.folder, "cannot be read", [Target("gone", tmp_path / "gone.jsonl")])
    assert Run.open(old.folder).manifest.format_version == 1
    new = add_examples(old.folder, [Target("more", more)])
    assert new.manifest.format_version == 2 and new.check() == [] and new.hash == old.hash


def test_killed_at_any_write_the_run_is_whole_and_the_same_command_ends_it(run, more, tmp_path, monkeypatch):  # noqa: F811
    targets = [Target("more", more), Target("again", more)]
    with monkeypatch.context() as patch:
        left = killed_at(patch, 10**6)
        expected = add_examples(copied(run, tmp_path / "whole"), targets)
    steps, seen = 10**6 - left[0], set()
    for step in (0, 2, steps // 4, steps // 2, *range(steps - 12, steps, 2)):
        folder = copied(run, tmp_path / str(step))
        with monkeypatch.context() as patch, suppress(Killed):
            killed_at(patch, step)
            add_examples(folder, targets)
        opened = Run.open(folder)
        seen.add(len(opened.targets))
        assert opened.complete and opened.check() == [] and len(opened.targets) in (1, 3)
        if len(opened.targets) == 1:
            add_examples(folder, targets)
            assert not progress_path(folder).exists()
        assert bytes_of(folder) == bytes_of(expected.folder)
    assert seen == {1, 3}, "the steps do not reach both sides of the change"


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_process_that_is_killed_shows_its_progress_and_leaves_the_run(run, more, tmp_path):  # noqa: F811
    folder = copied(run, tmp_path)
    before = bytes_of(folder)
    words = [sys.executable, "-m", "g2is", "target", "add", str(folder), f"more={more}"]
    process = subprocess.Popen(words, cwd=ROOT, stderr=subprocess.DEVNULL)
    shown = None
    while process.poll() is None and shown is None:
        shown = Progress.read(progress_path(folder))
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert shown is not None and shown.total > 0
    after = bytes_of(folder)
    assert {name: after[name] for name in before} == before and Run.open(folder).check() == []
    if len(Run.open(folder).targets) == 1:
        assert main(words[3:]) == 0
    assert len(Run.open(folder).targets) == 2 and not progress_path(folder).exists()


def test_progress_is_that_of_a_build(run, more, tmp_path, monkeypatch):  # noqa: F811
    folder, seen = copied(run, tmp_path), []
    write = Progress.write

    def kept(progress, path):
        seen.append((progress.stage, progress.total, progress.unit, path))
        write(progress, path)

    monkeypatch.setattr(Progress, "write", kept)
    add_examples(folder, [Target("more", more)])
    assert {path for *_, path in seen} == {progress_path(folder)}
    assert list(dict.fromkeys(one[:3] for one in seen)) == [
        ("loading the model", 1, "model"),
        ("gradients of more", MORE, "example"),
        ("cosines to more", 3, "kind of gradient"),
    ]


def test_imported_gradients_have_no_model(run, more):  # noqa: F811
    settings = run.manifest.model_copy(update={"configuration": ImportConfig()})
    imported = Run(run.folder, settings)
    with pytest.raises(InputError, match=r"gradients are imported.*target from"):
        ExampleTaker(imported, [Target("more", more)])
    with pytest.raises(InputError, match="gradients are imported"):
        fits_of(imported)


def test_the_command_line(run, files, more, tmp_path, capsys):  # noqa: F811
    folder = str(copied(run, tmp_path))
    assert main(["target", "add", folder, f"a={more}", f"a={files / 'target.jsonl'}", str(more)]) == 0
    said = capsys.readouterr().err
    assert "target a: 11 examples of more.jsonl, target.jsonl" in said and "target more: 5" in said
    assert main(["target", "list", folder]) == 0
    assert "files" in capsys.readouterr().out
    for words, expected in (
        (["add", folder], "NAME=FILE"),
        (["add", folder, f"a={more}"], "one of this name"),
        (["add", folder, f"b={more}", "--rows", "3"], "rows: is for from, not for add"),
        (["list", folder, "--model", "x"], "model: is for add and compute, not for list"),
        (["remove", folder, "a", "--skip-bad"], "--skip-bad: is for add and compute, not for remove"),
    ):
        assert main(["target", *words]) == 2
        assert expected in capsys.readouterr().err
    assert main(["target", "remove", folder, "a"]) == 0 and main(["target", "restore", folder, "a"]) == 0
    walk = ["walk", folder, "--count", "5", "--targets", "a=1", "--output", str(tmp_path / "w.json")]
    assert main(walk) == 0
    assert np.isfinite(Run.open(folder).validation_gradients).all()
