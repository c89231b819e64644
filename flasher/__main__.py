"""``python -m flasher``."""

import sys

from flasher.cli import main

if __name__ == "__main__":
    sys.exit(main())
