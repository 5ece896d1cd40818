"""The Compare page: selections side by side.

May import: app.shared and everything below app.
"""
