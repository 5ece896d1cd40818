"""Fine-tuning on selections, and its results.

May import: run, lm, pipeline and everything below.
"""
