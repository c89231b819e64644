"""A bench without hardware: readers and cards that are files, and that fail as they are told."""
