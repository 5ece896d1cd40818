"""Reading a run: its paths, manifest, integrity, arrays, selections and traces. Nothing here computes.

May import: everything up to walk and selectors.
"""
