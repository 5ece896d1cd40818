"""Selection methods other than the walk, a file each, with their settings.

Importing a method registers it: a new method is a file here and a line below. Every function takes `valid`, (n,) bool,
the rows that can be selected, and `budget`, at most the number of those; ties go to the smaller row.
Imports `config`, `arrays` and `walk`; knows neither disk nor screen nor torch.
"""

# ruff: noqa: F401  imported to be registered
from g2is.selectors.bids import bids
from g2is.selectors.full import full
from g2is.selectors.gist import gist
from g2is.selectors.gradfiltering import gradfiltering
from g2is.selectors.length import length
from g2is.selectors.less import less
from g2is.selectors.method import METHODS, Method, Pool, method_settings
from g2is.selectors.random import random
from g2is.selectors.rds_plus import rds_plus
from g2is.selectors.round_robin import round_robin
from g2is.selectors.semantic import semantic
from g2is.selectors.tagcos import tagcos
from g2is.selectors.tracin import tracin
