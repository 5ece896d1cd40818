"""Divides the work of a build among processes.

May import: errors, storage, run.paths.
"""
