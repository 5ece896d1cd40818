"""Fine-tuning on selections, and what came of it.

May import: run, lm, pipeline and everything below.
"""
