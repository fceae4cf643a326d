"""Pairs by name: `aug_I_L.png` belongs to `clean_I_L.png`, where that file is there."""

from __future__ import annotations

from collections import Counter

import numpy as np

from unalter.data.dataset import Dataset
from unalter.pairing.pairs import NAME, Pairs


def pair_by_name(dataset: Dataset) -> Pairs:
    """Pair the pictures whose index and label are the same; the others get no partner.

    Neither does a picture that two clean ones would fit: nothing says which of them is its own.
    """
    clean, altered = dataset.clean, dataset.altered
    clean_keys = list(zip(clean.index.tolist(), clean.labels.tolist(), strict=True))
    once = {key for key, count in Counter(clean_keys).items() if count == 1}
    rows = {key: row for row, key in enumerate(clean_keys) if key in once}
    keys = zip(altered.index.tolist(), altered.labels.tolist(), strict=True)
    partner = np.array([rows.get(key, -1) for key in keys], dtype=np.int64)
    return Pairs(
        clean=partner,
        method=np.where(partner >= 0, NAME, ""),
        likeliest=partner.copy(),
        score=(partner >= 0).astype(np.float64),
        margin=np.full(len(partner), np.nan),
        doubtful=np.full(len(partner), -1),
    )
