"""Other ways to choose, beside the walk: arrays in, rows in order of choice out.

Every function takes `valid` (n,) bool, the rows that can be chosen, and `budget`, how many of them (at most as
many as there are); of equal ones the smaller row goes first. They know neither disk nor screen.
"""

from g2is.selectors.gist import gist
from g2is.selectors.gradfiltering import gradfiltering
from g2is.selectors.plain import full, length, random
from g2is.selectors.similarity import less, rds_plus, round_robin, semantic
from g2is.selectors.tagcos import tagcos

__all__ = [
    "full",
    "gist",
    "gradfiltering",
    "length",
    "less",
    "random",
    "rds_plus",
    "round_robin",
    "semantic",
    "tagcos",
]
