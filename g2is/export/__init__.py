"""A selection -> files that trainers read.

`source`, `conversations` and `tables` convert instructions to records, `notes` lists what that loses, `formats` is the
registry, `writing` writes the folder. Imports `run` and what is below it; never the model.
"""

from g2is.export.formats import FORMATS, ExportFormat
from g2is.export.writing import MANIFEST, Exported, export, manifest, preview

__all__ = ["FORMATS", "MANIFEST", "ExportFormat", "Exported", "export", "manifest", "preview"]
