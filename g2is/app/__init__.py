"""The Streamlit app, and the only Streamlit: `shared`, and a folder a page with its JavaScript beside it.

May import: everything but cli.
"""
