"""From inputs to a finished run: `build` from a model, `import_run` from gradients computed elsewhere.

The only writers of runs. A stage that is finished is recorded in the manifest with the checksums of its
files. The same command again skips what is whole and computes what is missing or damaged, so starting,
resuming and mending are one command.
"""

from g2is.pipeline.build import build
from g2is.pipeline.extras import Extras
from g2is.pipeline.imported import import_run
from g2is.pipeline.inputs import Target

__all__ = ["Extras", "Target", "build", "import_run"]
