"""The training of one model: the loop, its pairs, its checkpoint."""
