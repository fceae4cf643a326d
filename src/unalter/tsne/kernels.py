"""The kernels that similarities and forces in a map come from: K(r) = (1 + r^2 / dof) ** -power.

Student's t has the power (dof + 1) / 2. One degree of freedom is the usual choice for a plane; in space it is two, as
van der Maaten (2009) and scikit-learn have it: one dimension more leaves more room, and lighter tails keep
neighbours together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unalter.tsne.loops import ONE, compiled

_TERMS = 4
_POWERS = (1.0, 1.5, 2.0)
"""That the compiled loops know."""


@dataclass(frozen=True)
class Kernel:
    """K(r) = (1 + r^2 / dof) ** -power, of a power among 1, 1.5 and 2."""

    dof: int
    power: float

    def __call__(self, squares: np.ndarray) -> np.ndarray:
        """K of squared distances, float64."""
        return (1 + squares / self.dof) ** -self.power

    def taylor(self, reach: float) -> np.ndarray:
        """K's third-order Taylor polynomial in r^2 about reach^2: coefficients of (reach^2 - r^2)^k, float64 [4]."""
        base = 1 + reach**2 / self.dof
        binomial = np.cumprod([1, *((self.power + k - 1) / k for k in range(1, _TERMS))])
        return base**-self.power * binomial / (base * self.dof) ** np.arange(_TERMS)

    def smooth(self, squares: np.ndarray, reach: float) -> np.ndarray:
        """K, but within reach its Taylor polynomial, which is smooth enough for a coarse grid; of squared distances."""
        inside = reach**2 - squares
        return np.where(inside > 0, np.polyval(self.taylor(reach)[::-1], inside), self(squares))

    @property
    def force_scale(self) -> float:
        """The repulsive force over grad phi / Z (see `unalter.tsne.repulsion`)."""
        return -self.dof / (2 * self.power)

    @property
    def constants(self) -> np.ndarray:
        """What `value_and_slope` makes the kernel of, float32 [5]: a choice between kernels might make loops slow."""
        powers = (self.power == other for other in _POWERS)
        return np.array([1 / self.dof, 2 * self.power / self.dof, *powers], np.float32)


PLANE, SPACE = Kernel(1, 1.0), Kernel(2, 1.5)
"""Student's t."""
NEAR = Kernel(2, 2.0)
"""Its gradient is the square of `SPACE` times the way (see `unalter.tsne.descent`)."""


@compiled
def value_and_slope(square, per_dof, slope_scale, power_1, power_1_5, power_2):
    """K at a squared distance, and -2 dK / d(r^2): what the difference of two points is multiplied with, float32."""
    base = ONE / (ONE + per_dof * square)
    value = base * (power_1 + power_1_5 * np.sqrt(base) + power_2 * base)
    return value, slope_scale * value * base
