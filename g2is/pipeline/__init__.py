"""From inputs to a finished run: `build` from a model, `imported` from gradients computed elsewhere.

Each module is imported by itself, so that a plan of the cost loads no torch. May import all but figures, app, cli.
"""
