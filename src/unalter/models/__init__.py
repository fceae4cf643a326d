"""A trained model in use, and its files."""
