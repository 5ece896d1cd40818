"""A run and selections -> tables and numbers: diagnosis, comparison, coverage, regimes, search, map values.

May import: run and everything below it.
"""
