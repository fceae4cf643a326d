"""What a descent says of itself, and when it has nothing more to gain."""

from __future__ import annotations

from time import perf_counter

EVERY = 50
"""Iterations from look to look."""


class Progress:
    """Whether a descent goes on, by scikit-learn's rules and in its words.

    Args:
        patience: iterations without a smaller divergence after which it ends.
        least_norm: of the gradient; with a smaller one it ends.
        scale: the gradient over the force.
        verbose: from 2 on every look is printed.
    """

    def __init__(self, patience: int, least_norm: float, scale: float, verbose: int) -> None:
        self._patience, self._least_norm, self._scale, self._verbose = patience, least_norm, scale, verbose
        self._best, self._best_at, self._began = float("inf"), 0, perf_counter()

    def wants_divergence(self, iterations: int) -> bool:
        """Whether it is looked at: in so many iterations it could end the descent, or it is printed."""
        return self._verbose >= 2 or iterations > self._patience

    def ends(self, iteration: int, divergence: float | None, force: float, may_end: bool) -> bool:
        """Look at the descent, its forces' norm among it, and say whether that is enough."""
        norm = force * self._scale
        if self._verbose >= 2:
            seconds, self._began = perf_counter() - self._began, perf_counter()
            error = "" if divergence is None else f"error = {divergence:.7f}, "
            print(
                f"[t-SNE] Iteration {iteration}: {error}gradient norm = {norm:.7f} ({EVERY} iterations in "
                f"{seconds:.3f}s)"
            )
        if not may_end:
            return False
        why = ""
        if divergence is not None and divergence < self._best:
            self._best, self._best_at = divergence, iteration
        elif divergence is not None and iteration - self._best_at > self._patience:
            why = f"did not make any progress during the last {self._patience} episodes"
        if norm <= self._least_norm:
            why = f"gradient norm {norm:.7f}"
        if why and self._verbose >= 2:
            print(f"[t-SNE] Iteration {iteration}: {why}. Finished.")
        return bool(why)
