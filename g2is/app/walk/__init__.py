"""The Walk page: settings, steps, reasons.

May import: app.shared and everything below app.
"""
