"""Neighbourhoods drawn on a canvas: nodes, edges and their legend, for the Walk and the Neighbourhood page.

May import: analysis, graph, app.shared.canvas.
"""
