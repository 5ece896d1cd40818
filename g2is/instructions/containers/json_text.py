"""JSON text that is read as far as it is needed, value by value, with the line that each stands on."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import BinaryIO

from g2is.errors import InputError
from g2is.instructions.containers.opened import excerpt
from g2is.instructions.record import Record

CHUNK = 2**20
_NOT_BLANK = re.compile(r"[^ \t\r\n]")
_DECODER = json.JSONDecoder()
# For values that are no JSON: strings are matched whole, so that brackets inside them do not count. The closing quote
# is optional: an unterminated string is then one token up to the end, not a new search from every quote in it.
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[{}\[\]]', re.DOTALL)
_SCALAR = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[^\s"{}\[\],]++', re.DOTALL)


class JsonText:
    """A position in a stream of JSON. Bytes that are not UTF-8 stand as lone surrogates, and are given back.

    most: characters to read on for the end of one value; None for as many as there are.
    """

    def __init__(self, source: str, line: int, head: bytes, rest: BinaryIO, most: int | None = None) -> None:
        self.source = source
        self.line = line
        self.most = most
        self.line_end = "\n"
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._rest = rest
        self._text = self._decoder.decode(head)
        self._at = 0
        self._whole = False

    def peek(self) -> str:
        """The next character that is not blank, or "" at the end."""
        while True:
            place = _NOT_BLANK.search(self._text, self._at)
            self._move(place.start() if place else len(self._text))
            if place or not self._more():
                return self._text[self._at : self._at + 1]

    def take(self, *expected: str) -> str | None:
        """Move past the next character that is not blank and give it, if it is one of those; None if it is not."""
        char = self.peek()
        if not char or char not in expected:
            return None
        self._move(self._at + 1)
        return char

    def value(self) -> str | None:
        """The text of the value that begins here, and move past it; None where there is none or it never ends.

        A value that is no JSON is cut by its brackets alone, so that one that is broken in itself (a comma too many,
        an invalid byte, nesting deeper than the parser goes) does not take those after it along.
        """
        if not self.peek():
            return None
        while True:
            end = self._end()
            if end is None and self._may_grow() and self._more():
                continue
            end = end or self._end_by_brackets()
            if end is None:
                return None
            text = self._text[self._at : end]
            self._move(end)
            return text

    def elements(self, separator: str, closing: str) -> Iterator[Record]:
        """The values from here on up to `closing`, which is moved past.

        separator: what stands between two, "" for nothing. Raises InputError where the text breaks off.
        """
        if closing and self.take(closing):
            return
        while True:
            self.peek()
            line = self.line
            if (text := self.value()) is None:
                raise self.broken()
            yield Record(line, text.encode("utf-8", "surrogateescape"))
            if not closing and not self.peek():
                return
            if closing and self.take(closing):
                return
            if separator and self.take(separator) is None:
                raise self.broken()

    def broken(self) -> InputError:
        """The error for text that cannot be read past this place."""
        self.peek()
        return InputError(
            f"{self.source}:{self.line}: the array breaks off at the record here: it holds {self.excerpt()}, expected "
            "whole records with ',' between them and ']' at the end; an array cannot be read past such a place, "
            "even when bad records are skipped, so repair the file there"
        )

    def excerpt(self) -> str:
        """What stands here, as a message quotes it."""
        return excerpt(self._text[self._at : self._at + 40])

    def _end(self) -> int | None:
        try:
            _, end = _DECODER.raw_decode(self._text, self._at)
        except (ValueError, RecursionError):
            return None
        # The digits of a number may go on in what is not read yet.
        return end if end < len(self._text) or self._whole or self._text[end - 1] in '"}]' else None

    def _end_by_brackets(self) -> int | None:
        if self._text[self._at] not in "{[":
            scalar = _SCALAR.match(self._text, self._at)
            return scalar.end() if scalar else None
        depth = 0
        for token in _TOKEN.finditer(self._text, self._at):
            first = token[0][0]
            if first in "{[":
                depth += 1
            elif first in "}]":
                depth -= 1
                if depth == 0:
                    return token.end()
        return None

    def _may_grow(self) -> bool:
        return self.most is None or len(self._text) - self._at <= self.most

    def _more(self) -> bool:
        """Read on, as much again as waits to be used; whether there was more."""
        if self._whole:
            return False
        waiting = len(self._text) - self._at
        data = self._rest.read(max(CHUNK, waiting))
        self._whole = not data
        # What was used falls away, and what waits is copied: as it doubles, each byte is copied a few times at most.
        self._text = self._text[self._at :] + self._decoder.decode(data, final=self._whole)
        self._at = 0
        return not self._whole or len(self._text) > waiting

    def _move(self, to: int) -> None:
        start, self._at = self._at, to
        self.line += self._text.count(self.line_end, start, to)
