"""The generator of the demo's instructions: seeded skills, how much of each is taken, files in three formats.

    python -m scripts.demo_data

writes `g2is/demo/data`. The same seed gives the same bytes; a test generates them again and compares.
"""
