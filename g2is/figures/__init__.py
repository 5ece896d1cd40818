"""Tables -> Plotly figures, and the colours that all of them share.

May import: analysis, run and everything below.
"""
