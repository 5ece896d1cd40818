"""Reading a run: its paths, manifest, integrity, arrays, selections and traces. It computes nothing.

May import: everything up to walk and selectors.
"""
