"""The wizard in a browser of this computer, and of nobody else."""
