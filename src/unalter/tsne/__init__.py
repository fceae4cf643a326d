"""A fast t-SNE in up to three dimensions, usable by itself, with scikit-learn's estimator interface."""

from unalter.tsne.estimator import TSNE

__all__ = ["TSNE"]
