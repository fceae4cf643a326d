"""Which pictures train and which validate."""

from __future__ import annotations

import numpy as np

from unalter.pairing.pairs import Pairs
from unalter.support.errors import InputError


class Split:
    """Clean pictures by seed, altered ones by the clean one that they belong to: none is on both sides.

    Args:
        clean: how many clean pictures there are.
        pairs: the true pairs.
        validation: the share of the clean pictures that is kept for validation.
        seed: of the split.
        needs_true_pairs: whether there are no others to train and to validate on.

    Raises:
        InputError: too few clean pictures to split; no true pair where one is needed.
    """

    def __init__(self, clean: int, pairs: Pairs, validation: float, seed: int, *, needs_true_pairs: bool) -> None:
        if clean < 2:
            raise InputError("the clean folder has one picture; training needs at least two, one of them to validate")
        kept = min(max(1, round(validation * clean)), clean - 1)
        order = np.random.default_rng([seed, 0]).permutation(clean)
        self.clean_validation = np.sort(order[:kept])
        """int64: rows of clean pictures"""
        self.clean_training = np.sort(order[kept:])
        """int64: rows of clean pictures"""
        true = pairs.true
        held = np.isin(pairs.clean[true], self.clean_validation)
        self.paired_validation = true[held]
        """int64: rows of altered pictures with a clean one"""
        self.paired_training = true[~held]
        """int64: rows of altered pictures with a clean one"""
        if needs_true_pairs and len(self.paired_training) == 0:
            raise InputError("no altered picture has its clean one here, and no recipe was given to make pairs with")
        if needs_true_pairs and len(self.paired_validation) == 0:
            raise InputError("no true pair is left to validate on; give more pairs, a recipe, or a larger --validation")
