"""The Check data page: how files will be read and what will be trained, without a run.

May import: app.shared and everything below app.
"""
