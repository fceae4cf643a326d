"""The kernels that similarities and forces in a map come from: K(r) = (1 + r^2 / dof) ** -power.

Student's t has the power (dof + 1) / 2. One degree of freedom is the usual choice for a plane; in space it is two, as
van der Maaten (2009) and scikit-learn have it: one dimension more leaves more room, and lighter tails keep
neighbours together.
"""

from __future__ import annotations

import numpy as np

from unalter.tsne.loops import ONE, compiled

PLANE, SPACE, NEAR = 0, 1, 2
"""Student's t in the plane, and in space; and the kernel whose gradient is K^2 times the way, for space (`descent`)."""
DOF = (1, 2, 2)
POWER = (1.0, 1.5, 2.0)
_TERMS = 4


def kernel(squares: np.ndarray, which: int) -> np.ndarray:
    """K of squared distances, float64."""
    return (1 + squares / DOF[which]) ** -POWER[which]


def taylor(reach: float, which: int) -> np.ndarray:
    """K's third-order Taylor polynomial in r^2 about reach^2: coefficients of (reach^2 - r^2)^k, float64 [4]."""
    power, base = POWER[which], 1 + reach**2 / DOF[which]
    binomial = np.cumprod([1, *((power + k - 1) / k for k in range(1, _TERMS))])
    return base**-power * binomial / (base * DOF[which]) ** np.arange(_TERMS)


def smooth_kernel(squares: np.ndarray, reach: float, which: int) -> np.ndarray:
    """K, but within reach its Taylor polynomial, which is smooth enough for a coarse grid; of squared distances."""
    inside = reach**2 - squares
    return np.where(inside > 0, np.polyval(taylor(reach, which)[::-1], inside), kernel(squares, which))


def numbers(which: int) -> np.ndarray:
    """What `value_and_push` makes a kernel of, float32 [5]: a choice between kernels might make loops slow."""
    share, push = 1 / DOF[which], 2 * POWER[which] / DOF[which]
    return np.array([share, push, *(which == other for other in (PLANE, SPACE, NEAR))], np.float32)


@compiled
def value_and_push(square, share, push, plane, space, near):
    """K at a squared distance, and -2 dK / d(r^2): what the difference of two points is multiplied with, float32."""
    base = ONE / (ONE + share * square)
    value = base * (plane + space * np.sqrt(base) + near * base)
    return value, push * value * base
