"""Splits of a data set: which one is read where a file or a folder has several."""

from __future__ import annotations

from collections.abc import Sequence

from g2is.errors import InputError

_SPELLINGS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev", "eval"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}


def split_name(name: str) -> str | None:
    """The split that the name of a file, a folder or a field stands for, or None.

    `train.jsonl`, `train-00000-of-00002.parquet` and `dev_1.csv` stand for one; `training_data_new` does not.
    """
    stem = name.lower().partition(".")[0]
    for mark in ("-", "_"):
        head, _, rest = stem.partition(mark)
        if head in _SPELLINGS and (not rest or rest[0].isdigit() or rest in ("sft", "data", "split")):
            return _SPELLINGS[head]
    return None


def choose_split(source: str, splits: Sequence[str], wanted: str | None) -> tuple[str, str | None]:
    """The one to read of several splits, and a note where others are left out.

    wanted: the one asked for; train where none is. Raises InputError where it is not there or none stands out.
    """
    found = ", ".join(splits)
    if wanted is not None:
        for split in splits:
            if wanted == split or _SPELLINGS.get(wanted, wanted) == (split_name(split) or split):
                return split, None
        raise InputError(f"{source}: has no split {wanted!r}, expected one of {found}")
    if len(splits) == 1:
        return splits[0], None
    for split in splits:
        if split_name(split) == "train":
            others = ", ".join(name for name in splits if name != split)
            return (
                split,
                f"split {split} is read, {others} is not; for another name {source}:{others.split(',')[0]}",
            )
    raise InputError(f"{source}: has the parts {found}, expected one; name it as {source}:{splits[0]}")
