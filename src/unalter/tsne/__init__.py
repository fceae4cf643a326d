"""t-SNE, in three dimensions by default where unalter calls it; scikit-learn's estimator interface.

For now this is scikit-learn's own implementation; whatever replaces it keeps its interface.
"""

from sklearn.manifold import TSNE

__all__ = ["TSNE"]
