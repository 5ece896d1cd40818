"""Plotly figures of tables and values, and the colours that figures and the map share.

May import: analysis, run and everything below.
"""
