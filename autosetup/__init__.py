"""The payload contract and the first-boot agent. Standard library only: it runs on the Pi."""

__version__ = "0.1.0"
