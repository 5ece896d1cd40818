"""Writes runs: `build` from a model, `imported` from gradients computed elsewhere, `stages` a file a stage.

Each module is imported by itself, so that a plan of the cost loads no torch. May import all but figures, app, cli.
"""
