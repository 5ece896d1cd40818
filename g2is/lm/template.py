"""A tokenizer's chat template: rendering, and what can be told of it beforehand."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import Any

from jinja2 import Environment, nodes
from jinja2.exceptions import TemplateError

# Templates that print today's date (Llama 3's) would give other gradients tomorrow; this is their own.
DATE = "26 Jul 2024"
_STRFTIME = (
    "{%- macro strftime_now(format) -%}{{ format|replace('%d', '26')|replace('%b', 'Jul')|replace('%B', 'July')"
    "|replace('%m', '07')|replace('%Y', '2024')|replace('%y', '24')|replace('%A', 'Friday')|replace('%a', 'Fri')"
    "|replace('%H', '00')|replace('%M', '00')|replace('%S', '00') }}{%- endmacro %}\n"
)
_GENERATION = re.compile(r"\{%[-+]?\s*(?:end)?generation\s*[-+]?%\}")
# What the renderer takes by these names is not for a record to set.
_RESERVED = {
    *(
        "conversations",
        "messages",
        "tools",
        "chat_template",
        "add_generation_prompt",
        "continue_final_message",
    ),
    "return_assistant_tokens_mask",
}

Turns = Sequence[dict[str, Any]]


class Refused(Exception):
    """The template raised: its reason in one line."""


class Template:
    """The chat template of a tokenizer."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer

    def source(self, tools: Any = None) -> str:
        """The template's text; some tokenizers have one of its own for conversations with tools."""
        try:
            return str(self.tokenizer.get_chat_template(None, tools))
        except ValueError as error:
            raise Refused(_reason(error)) from None

    def has_marks(self, tools: Any = None) -> bool:
        """Whether it marks what the assistant generates with {% generation %}."""
        return bool(_GENERATION.search(self.source(tools)))

    def render(
        self,
        turns: Turns,
        tools: Any = None,
        arguments: dict[str, Any] | None = None,
        *,
        generation: bool = False,
    ) -> str:
        """The conversation's text. generation: with the start of a reply. Raises Refused."""
        return self._render(turns, tools, arguments, generation=generation)[0]

    def render_with_marks(
        self, turns: Turns, tools: Any = None, arguments: dict[str, Any] | None = None
    ) -> tuple[str, list[tuple[int, int]]]:
        """The text, and the character spans inside {% generation %} blocks. Raises Refused."""
        return self._render(turns, tools, arguments, marks=self.has_marks(tools))

    def _render(
        self,
        turns: Turns,
        tools: Any,
        arguments: dict[str, Any] | None,
        *,
        generation: bool = False,
        marks: bool = False,
    ) -> tuple[str, list[tuple[int, int]]]:
        # tokenizer.apply_chat_template gives marks as tokens only, and drops what is None.
        from transformers.utils.chat_template_utils import render_jinja_template

        given = {name: value for name, value in (arguments or {}).items() if name not in _RESERVED}
        source = self.source(tools)
        try:
            texts, spans = render_jinja_template(
                conversations=[list(turns)],
                tools=tools,
                chat_template=_STRFTIME + source if "strftime_now" in source else source,
                return_assistant_tokens_mask=marks,
                add_generation_prompt=generation,
                **{**self.tokenizer.special_tokens_map, "date_string": DATE, **given},
            )
        except (TemplateError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
            raise Refused(_reason(error)) from None
        return texts[0], sorted(tuple(span) for span in spans[0]) if marks else []

    def mentions(self, *names: str, tools: Any = None) -> bool:
        """Whether the template has a variable, a field or a string of one of these names."""
        return not _names(self.source(tools)).isdisjoint(names)

    def constants(self, tools: Any = None) -> tuple[str, ...]:
        """The strings that the template may look for in a turn, such as </think>."""
        return _constants(self.source(tools))

    def specials(self, text: str) -> list[tuple[int, int]]:
        """Where special tokens stand in a text, or, where there are none, other tokens added to the vocabulary."""
        spans = [match.span() for match in self._patterns[0].finditer(text)]
        return spans or [match.span() for match in self._patterns[1].finditer(text)]

    @cached_property
    def _patterns(self) -> tuple[re.Pattern[str], re.Pattern[str]]:
        special = set(self.tokenizer.all_special_tokens)
        # Some vocabularies have runs of white space among the added tokens.
        added = {token for token in self.tokenizer.get_added_vocab() if token.strip()} - special
        return _any_of(special), _any_of(added)


def _any_of(tokens: set[str]) -> re.Pattern[str]:
    longest_first = sorted(tokens, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)) or "(?!)")  # (?!) never matches


@lru_cache(maxsize=64)
def _constants(source: str) -> tuple[str, ...]:
    texts = {node.value for node in _tree(source).find_all(nodes.Const) if isinstance(node.value, str)}
    # Words are names of roles and fields; a turn that holds one loses nothing by having it replaced.
    return tuple(sorted(text for text in texts if text.strip() and not text.isalnum()))


@lru_cache(maxsize=64)
def _names(source: str) -> set[str]:
    tree = _tree(source)
    strings = {node.value for node in tree.find_all(nodes.Const) if isinstance(node.value, str)}
    return (
        strings
        | {node.attr for node in tree.find_all(nodes.Getattr)}
        | {node.name for node in tree.find_all(nodes.Name)}
    )


def _tree(source: str) -> nodes.Template:
    """The parsed template. Raises Refused."""
    try:
        return Environment(extensions=["jinja2.ext.loopcontrols"]).parse(_GENERATION.sub("", source))
    except TemplateError as error:
        raise Refused(_reason(error)) from None


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
