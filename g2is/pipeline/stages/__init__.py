"""The stages of a build, a file each. A stage writes its files and returns their names and its numbers.

`pipeline.build` has their order. A stage knows no other stage: it reads what earlier ones wrote from the run's folder.
"""
