"""Drawing on a canvas in the browser: dots, marks, a plane to zoom, gestures, and the parts that Python sends.

A component imports the modules it needs (see `g2is.app.shared.javascript`). They know no page.
May import: app.shared and everything below app.
"""
