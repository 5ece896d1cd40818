"""The Core knowledge page: what the validation examples ask for.

May import: app.shared and everything below app.
"""
