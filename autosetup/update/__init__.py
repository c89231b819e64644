"""What a node does to learn of updates and to get their bytes, verified.

A package of its own on the node: it needs python3-tuf (5.1 of Debian 13, or 7), which the agent's
core does not. Nobody outside imports it at the top of a module.
"""
