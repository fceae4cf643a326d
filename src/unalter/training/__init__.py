"""The loop, the checkpoint, what happens at the end of an epoch."""
