"""python -m g2is: see `g2is.cli`."""

import sys

from g2is.cli import main

if __name__ == "__main__":
    sys.exit(main())
