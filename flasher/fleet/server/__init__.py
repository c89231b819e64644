"""Serves a rig: `offer` makes ready what a person wants, `run` serves it, `desk` judges nodes."""

# Nodes and people are told of it, so it is the same each time.
PORT = 8421
