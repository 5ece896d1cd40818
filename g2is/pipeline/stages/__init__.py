"""The stages of a build, a file a stage: each writes its files and returns their names and what is known of them.

`pipeline.build` has their order. A stage knows no other stage: it reads what earlier ones wrote from the run's folder.
"""
