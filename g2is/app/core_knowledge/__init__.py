"""The Core knowledge page: target directions computed from the validation examples.

May import: app.shared and everything below app.
"""
