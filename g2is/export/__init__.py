"""A selection -> files that trainers read.

`source`, `conversations` and `tables` turn instructions into records, `notes` says what that loses,
`formats` lists them; `commands` says how to get the same files again, `writing` puts all into a folder.
Needs pandas and pyarrow, never the model.
"""

from g2is.export.formats import FORMATS, ExportFormat
from g2is.export.writing import MANIFEST, Exported, export, manifest, preview

__all__ = ["FORMATS", "MANIFEST", "ExportFormat", "Exported", "export", "manifest", "preview"]
