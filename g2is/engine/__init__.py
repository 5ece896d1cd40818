"""How the work of a build is spread over processes.

May import: errors, storage, run.paths.
"""
