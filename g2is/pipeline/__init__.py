"""Writes runs: `build` from a model, `imported` from gradients computed elsewhere, `stages` a file a stage.

Modules are imported one by one, so that `plan` loads no torch. May import all but figures, app, cli.
"""
