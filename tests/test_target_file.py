"""A target travels as one small file from a machine with the model to one without; what is not one is refused."""

import json
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load, save

from g2is.__main__ import main
from g2is.errors import InputError
from g2is.pipeline import sent
from g2is.pipeline.adding import add_examples, add_sent, compute
from g2is.pipeline.inputs import Target
from g2is.run.paths import progress_path
from g2is.run.run import Run
from tests.test_pipeline import configuration, files, make, run  # noqa: F401
from tests.test_target_add import MORE, ROOT, copied, everything, extras, more, whitened  # noqa: F401
from tests.test_upgrade import bytes_of
from tests.tiny import write_pool


@pytest.fixture(scope="module")
def target(run, more, tmp_path_factory) -> Path:  # noqa: F811
    path = tmp_path_factory.mktemp("sent") / "target.g2is"
    compute(run.folder, Target("more", more), path)
    return path


def without_target(contents: dict[str, bytes]) -> dict[str, bytes]:
    return {name: content for name, content in contents.items() if not name.startswith("targets/more/")}


@pytest.mark.parametrize("of", ["run", "whitened"])
def test_it_is_what_the_machine_with_the_model_would_have_added(of, more, tmp_path, request, capsys):  # noqa: F811
    run = request.getfixturevalue(of)  # noqa: F811
    expected = bytes_of(add_examples(copied(run, tmp_path / "with"), [Target("more", more)]).folder)
    part = tmp_path / "part" / "copy"  # the least that has to be copied to the machine with the model
    part.mkdir(parents=True)
    for path in (run.folder / "manifest.json", *run.folder.glob("warmup*.safetensors")):
        shutil.copy(path, part)
    before, output = bytes_of(part), tmp_path / "target.g2is"
    assert main(["target", "compute", str(part), f"more={more}", "--output", str(output)]) == 0
    said = capsys.readouterr().err
    assert f"{output.stat().st_size:,} bytes; where the run is: g2is target add copy" in said
    assert bytes_of(part) == before and not progress_path(output).exists()
    folder = copied(run, tmp_path / "without")
    code = (
        "import sys; from g2is.cli import main; code = main(sys.argv[1:]); "
        "print(code, sorted({'torch', 'transformers', 'peft'} & set(sys.modules)))"
    )
    words = [sys.executable, "-c", code, "target", "add", str(folder), str(output)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0 []" and f"target more: {MORE} examples of more.jsonl" in done.stderr
    found = Run.open(folder)
    assert found.check() == [] and bytes_of(folder) == expected
    assert found.targets[-1].origin == "elsewhere" and found.hash == run.hash


def test_another_name_and_one_that_is_taken(run, target, tmp_path, capsys):  # noqa: F811
    folder = str(copied(run, tmp_path))
    assert main(["target", "add", folder, str(target)]) == 0
    assert main(["target", "add", folder, f"others={target}"]) == 0
    assert [one.name for one in Run.open(folder).targets] == ["words", "more", "others"]
    capsys.readouterr()
    for words, said in (
        (["add", folder, str(target)], "one of this name"),
        (["add", folder, str(target), "--model", "x"], "model: is for files of examples"),
        (["add", folder, str(target), "a=b.jsonl"], "alone"),
        (["compute", folder, f"a={target}"], "--output target.g2is"),
        (["compute", folder, "a=b.jsonl", "--output", "x.json"], "ends in .g2is"),
        (["compute", folder, "a=b", "c=d", "--output", str(tmp_path / "x.g2is")], "expected one"),
        (
            ["add", folder, "a=b", "--output", str(tmp_path / "x.g2is")],
            "output: is for compute and grow, not for add",
        ),
    ):
        assert main(["target", *words]) == 2
        assert said in capsys.readouterr().err


def test_a_file_for_another_run_says_in_what_they_differ(run, whitened, files, target, tmp_path):  # noqa: F811
    before = bytes_of(whitened.folder)
    with pytest.raises(
        InputError, match=r"computed for another run, run \(checkpoints: .*; adapter: "
    ) as caught:
        add_sent(whitened.folder, target)
    assert "\n" not in str(caught.value) and "projection: " not in str(caught.value)
    assert bytes_of(whitened.folder) == before
    fits = sent.fits_of(run)
    for name in fits:
        changed = tampered(
            target, tmp_path, lambda about, tensors, name=name: about["fits"].update({name: "x"})
        )
        with pytest.raises(InputError, match=rf"another run, run \({name}: x, here "):
            sent.read_sent(changed, run)


def test_a_run_that_keeps_representations_needs_them(whitened, more, tmp_path):  # noqa: F811
    path = tmp_path / "target.g2is"
    compute(whitened.folder, Target("more", more), path)
    less = tampered(path, tmp_path, lambda about, tensors: tensors.pop("representations.mean"))
    with pytest.raises(InputError, match="has no representations"):
        sent.read_sent(less, whitened)


def tampered(path: Path, folder: Path, change) -> Path:
    """A file with something changed, and a checksum that is right again."""
    data = path.read_bytes()
    tensors = load(data)
    header = json.loads(data[8 : 8 + struct.unpack("<Q", data[:8])[0]])
    about = json.loads(header["__metadata__"]["g2is"])
    change(about, tensors)
    text = json.dumps(about)
    changed = folder / "changed.g2is"
    changed.write_bytes(save(tensors, {"g2is": text, "sha256": sent._checksum(text, tensors)}))
    return changed


def examples(change):
    """A change of the examples of a file."""

    def changed(about, tensors):
        values = json.loads(tensors["examples"].tobytes())
        tensors["examples"] = np.frombuffer(json.dumps(change(values) or values).encode(), np.uint8)

    return changed


def put(name, value):
    return lambda about, tensors: tensors.update({name: value(tensors)})


HOSTILE = {
    "of a newer version": (lambda about, tensors: about.update(version=9), "version 9 is newer"),
    "of another kind": (lambda about, tensors: about.update(kind="x"), "not a target"),
    "with fields of its own": (lambda about, tensors: about.update(x=1), "not a target"),
    "with a time that is no number": (lambda about, tensors: about.update(seconds="NaN"), "not a target"),
    "without facts": (lambda about, tensors: about.pop("facts"), "not a target"),
    "with a count of its own": (lambda about, tensors: about["facts"].update(examples=9), "says 9"),
    "with another tensor": (put("x", lambda t: t["gradients"]), "its tensors are"),
    "without gradients": (lambda about, tensors: tensors.pop("gradients"), "its tensors are"),
    "with numbers that are none": (put("gradients", lambda t: t["gradients"] * np.nan), "finite float32"),
    "with short gradients": (put("gradients", lambda t: t["gradients"][:, :9].copy()), r"shape \(5, 64\)"),
    "with one gradient": (put("gradients", lambda t: t["gradients"][:1].copy()), r"shape \(5, 64\)"),
    "with wide numbers": (put("gradients", lambda t: t["gradients"].astype("f8")), "finite float32"),
    "with whole numbers": (put("gradients", lambda t: t["gradients"].astype("i4")), "finite float32"),
    "with examples as numbers": (put("examples", lambda t: t["gradients"]), "its tensors are"),
    "with examples that are no text": (
        put("examples", lambda t: t["examples"][::-1].copy()),
        "not instructions",
    ),
    "with deep examples": (
        put("examples", lambda t: np.frombuffer(b"[" * 100_000, np.uint8)),
        "not instructions",
    ),
    "without a turn": (examples(lambda all: all[0].update(messages=[])), "not instructions"),
    "of a role of its own": (
        examples(lambda all: all[0]["messages"][0].update(role="root")),
        "not instructions",
    ),
    "with a number as text": (
        examples(lambda all: all[0]["messages"][1].update(content=5)),
        "not instructions",
    ),
    "ending with a question": (
        examples(lambda all: all[0]["messages"].reverse()),
        "assistant turn at the end",
    ),
    "with bytes that are none": (examples(lambda all: all[0].update(raw="§")), "not instructions"),
    "with tools that are none": (examples(lambda all: all[0].update(tools="{")), "not instructions"),
    "with deep tools": (examples(lambda all: all[0].update(tools="[" * 100_000)), "not instructions"),
    "of a format of its own": (examples(lambda all: all[0].update(format="x")), "is not known"),
    "with a line before the first": (examples(lambda all: all[0].update(line=-1)), "not instructions"),
    "with one example less": (examples(lambda all: all[1:]), r"shape \(4, 64\)"),
    "with no examples": (examples(lambda all: all.clear()), r"not instructions|shape \(0, 64\)"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_file_is_refused(kind, run, target, tmp_path):  # noqa: F811
    change, said = HOSTILE[kind]
    with pytest.raises(InputError, match=said) as caught:
        sent.read_sent(tampered(target, tmp_path, change), run)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 1000


def test_a_name_of_its_own_leads_nowhere(run, target, tmp_path):  # noqa: F811
    folder = copied(run, tmp_path)
    for name in ("", "a\nb", "x" * 101):
        with pytest.raises(InputError, match="expected a name"):
            add_sent(
                folder, tampered(target, tmp_path, lambda about, tensors, name=name: about.update(name=name))
            )
    rows = tampered(
        target,
        tmp_path,
        lambda about, tensors: (about.update(name="../up"), about["facts"].update(rows=[10**9])),
    )
    new = add_sent(folder, rows)
    assert new.targets[-1].rows == () and new.manifest.targets.keys() == {"targets/words", "targets/up"}
    assert new.check() == []


def test_what_is_no_such_file_is_refused(run, target, tmp_path, monkeypatch):  # noqa: F811
    whole = target.read_bytes()
    path = tmp_path / "x.g2is"
    rng = np.random.default_rng(0)
    for data in (
        b"",
        b"{}",
        whole[:100],
        whole[:-1],
        whole + b"x",
        b"\xff" * 64,
        b"\x80\x04K\x01.",
        whole[8:],
    ):
        path.write_bytes(data)
        with pytest.raises(InputError, match=r"not a target|is damaged"):
            sent.read_sent(path, run)
    for place in rng.integers(0, len(whole), 60):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"not a target|is damaged"):
            sent.read_sent(path, run)
    with pytest.raises(InputError, match="No such file"):
        sent.read_sent(tmp_path / "gone.g2is", run)
    with pytest.raises(InputError, match="expected a file"):
        sent.read_sent(tmp_path, run)
    monkeypatch.setattr(sent, "MOST", 100)
    with pytest.raises(InputError, match="expected at most 100"):
        sent.read_sent(target, run)


def test_all_that_an_example_holds_arrives(run, files, tmp_path):  # noqa: F811
    """Turns, reasoning, tools, marks of training and the record's very bytes."""
    path = tmp_path / "rich.jsonl"
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    turns = [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "é\u2028?"},
        {"role": "assistant", "content": "", "reasoning_content": "hm", "tool_calls": [call]},
        {"role": "tool", "content": "2", "tool_call_id": "c1", "name": "f"},
        {"role": "assistant", "content": "no", "weight": 0},
        {"role": "user", "content": "and?"},
        {"role": "assistant", "content": "two"},
    ]
    tools = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
    rich = {"messages": turns, "tools": tools, "task": "calls", "chat_template_kwargs": {"x": True}}
    plain = write_pool(tmp_path / "plain.jsonl", 3).read_text()
    path.write_text(json.dumps(rich) + "\n" + plain)
    compute(run.folder, Target("rich", path), tmp_path / "rich.g2is")
    folder = copied(run, tmp_path)
    found = add_sent(folder, tmp_path / "rich.g2is").validation.iloc[6:].reset_index(drop=True)
    wanted = add_examples(folder, [Target("again", path)]).validation.iloc[10:].reset_index(drop=True)
    assert found.drop(columns="target").equals(wanted.drop(columns="target"))
    assert found["tools"].notna().tolist() == [True, False, False, False]


def test_killed_it_leaves_no_file(run, more, tmp_path, monkeypatch):  # noqa: F811
    from tests.test_upgrade import Killed, killed_at

    for step in (0, 1, 2):
        output = tmp_path / str(step) / "target.g2is"
        with monkeypatch.context() as patch, pytest.raises(Killed):
            killed_at(patch, step)
            compute(run.folder, Target("more", more), output)
        assert not output.exists() or sent.read_sent(output, run).name == "more"
    compute(run.folder, Target("more", more), output)
    assert sent.read_sent(output, run).facts.examples == MORE
