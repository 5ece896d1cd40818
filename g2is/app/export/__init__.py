"""The Export page: a selection as files for a trainer.

May import: app.shared and everything below app.
"""
