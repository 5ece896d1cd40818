"""Test targets: reading them. Needs no torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from g2is.config import ReadingConfig
from g2is.errors import InputError
from g2is.instructions import Instruction, read_instructions
from g2is.lm.text import Encoded, Encoder
from g2is.pipeline.inputs import Target


@dataclass(frozen=True)
class TestSet:
    """The samples of a test target that have something to score, and their tokens.

    left_out: how many of its examples have nothing to score, by the reason.
    """

    __test__ = False  # pytest collects classes of such names

    name: str
    samples: list[Instruction]
    encoded: list[Encoded]
    left_out: Counter[str]

    @property
    def tokens(self) -> int:
        """Of all its examples."""
        return sum(len(sample) for sample in self.encoded)

    @property
    def texts(self) -> list[tuple[str, str]]:
        """Prompt and response of each sample."""
        return [(sample.prompt, sample.response) for sample in self.samples]


def read_tests(tests: Sequence[Target], encoder: Encoder, config: ReadingConfig) -> list[TestSet]:
    """Read test files; raises `InputError` for one without a response to score."""
    sets = []
    for test in tests:
        reading = read_instructions(test.sources, **dict(config))
        read = reading.instructions
        encoded = encoder(read)
        pairs = [(s, e) for s, e in zip(read, encoded, strict=True) if e.problem is None]
        if not pairs:
            raise InputError(f"test {test.name}={test.place}: no sample with a response to score")
        # What the file itself means not to be trained is no example either; nor is a broken record, where asked for.
        left_out = Counter(record.reason for record in reading.rejected)
        left_out.update(e.problem for e in encoded if e.problem is not None)
        sets.append(TestSet(test.name, [s for s, _ in pairs], [tokens for _, tokens in pairs], left_out))
    return sets
