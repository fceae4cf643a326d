"""What a training run is: prepare, fit, look at every tenth epoch."""
