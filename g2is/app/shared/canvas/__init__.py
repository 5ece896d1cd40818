"""Drawing on a canvas in the browser: dots, marks, a plane to zoom, gestures, and the parts that Python sends.

The modules here know neither maps nor walks; a component imports those it needs (see `g2is.app.shared.javascript`).
May import: nothing of g2is.
"""
