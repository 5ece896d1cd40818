"""The formats by name, in the order in which they are offered. A new one is a file here and a line below."""

from __future__ import annotations

from g2is.export.alpaca import ALPACA
from g2is.export.csv import CSV
from g2is.export.format import ExportFormat
from g2is.export.jsonl import JSONL
from g2is.export.llama_factory import LLAMA_FACTORY
from g2is.export.messages import MESSAGES
from g2is.export.parquet import PARQUET
from g2is.export.sharegpt import SHAREGPT
from g2is.export.trl import TRL

FORMATS: dict[str, ExportFormat] = {
    format.name: format for format in (JSONL, ALPACA, SHAREGPT, MESSAGES, PARQUET, CSV, LLAMA_FACTORY, TRL)
}
