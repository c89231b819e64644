"""Flasher takes a box of blank SD cards to a running rig of Raspberry Pis."""

__version__ = "0.1.0"
