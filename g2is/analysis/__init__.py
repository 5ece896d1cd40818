"""Tables and numbers about a run and its selections: diagnosis, comparison, coverage, regimes, search, map values.

May import: run and everything below it.
"""
