"""Where a build computes: in one process, or on workers of Ray; and the lock of a run, which one process writes.

May import: errors, config, storage, run.paths.
"""
