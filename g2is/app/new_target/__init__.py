"""A part of the page Core knowledge: examples become a target of the run, by its model, here or on another machine.

May import: app.shared, app.inspect and everything below app.
"""
