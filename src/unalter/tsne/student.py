"""The kernel that similarities in a map come from: Student's t, K(r) = (1 + r^2 / dof) ** (-(dof + 1) / 2).

One degree of freedom is the usual choice for a plane; in space it is two, as van der Maaten (2009) and scikit-learn
have it: one dimension more leaves more room, and lighter tails keep neighbours together.
"""

from __future__ import annotations

import numpy as np

from unalter.tsne.loops import ONE, compiled

_TERMS = 4


def kernel(squares: np.ndarray, dof: int) -> np.ndarray:
    """K of squared distances, float64."""
    return (1 + squares / dof) ** (-(dof + 1) / 2)


def taylor(reach: float, dof: int) -> np.ndarray:
    """K's third-order Taylor polynomial in r^2 about reach^2: coefficients of (reach^2 - r^2)^k, float64 [4]."""
    power, base = (dof + 1) / 2, 1 + reach**2 / dof
    binomial = np.cumprod([1, *((power + k - 1) / k for k in range(1, _TERMS))])
    return base**-power * binomial / (base * dof) ** np.arange(_TERMS)


def smooth_kernel(squares: np.ndarray, reach: float, dof: int) -> np.ndarray:
    """K, but within reach its Taylor polynomial, which is smooth enough for a coarse grid; of squared distances."""
    inside = reach**2 - squares
    return np.where(inside > 0, np.polyval(taylor(reach, dof)[::-1], inside), kernel(squares, dof))


@compiled
def value_and_push(square, dof):
    """K at a squared distance, and -2 dK / d(r^2): what the difference of two points is multiplied with, float32."""
    if dof == 1:
        value = ONE / (ONE + square)
        return value, (value + value) * value
    half = ONE / (ONE + np.float32(0.5) * square)
    value = half * np.sqrt(half)
    return value, np.float32(1.5) * value * half
