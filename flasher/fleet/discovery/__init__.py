"""Raspberry Pis on the local network: heard by multicast DNS, seen by their network addresses."""
