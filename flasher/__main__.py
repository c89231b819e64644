"""``python -m flasher``, and the command `flasher`."""

import sys


def main() -> int:
    """Run one command line; interrupted while still loading, it ends as quietly as later."""
    try:
        from flasher import cli

        return cli.main()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
