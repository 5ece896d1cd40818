"""A selection -> files that trainers read: one file a format, `formats` their registry.

`format` is what they share, `notes` what a conversion loses, `writing` the folder. Imports `run` and what is below it;
never the model.
"""

from g2is.export.format import ExportFormat
from g2is.export.formats import FORMATS
from g2is.export.writing import MANIFEST, Exported, export, manifest, preview

__all__ = ["FORMATS", "MANIFEST", "ExportFormat", "Exported", "export", "manifest", "preview"]
