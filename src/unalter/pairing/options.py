"""How thoroughly pairs are looked for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PairingOptions:
    """Counts that time is traded with."""

    imitated_true: int = 400
    """Imitated true pairs of a group, at most, that tell how large errors of true pairs are: a limit that one in a
    hundred exceeds rests on the few largest."""
    least_imitated_true: int = 100
    """The largest of so many is exceeded by one in a hundred; fewer say nothing of what is as rare."""
    imitated: int = 800
    """Imitated pictures, at most, that the confidence is learned from: four weights, and how sure is 99 in 100."""
    least_imitated: int = 200
    """With fewer the weights are a matter of chance."""
    samples: int = 20_000
    """Random draws of a chain: eight numbers say how a picture lies, and a start has to be near."""
    poses: int = 1_000
    """Of the samples' poses, as different as can be, those that candidates are first compared in."""
    shortlist: int = 64
    """Candidates that are aligned; the matcher has 97 of 100 partners among so many. Fewer need no matcher."""
    matcher_batch: int = 512
    """Negatives are of the same batch: the more there are, the more a step teaches."""
    matcher_rounds: int = 46
    """How often the matcher sees every clean picture, within the bounds below; recall still grows slowly there."""
    least_matcher_steps: int = 200
    """So many a network needs, however few the pictures are."""
    most_matcher_steps: int = 700
    """Bounds the time; recall grows slowly by then."""


DEFAULTS = PairingOptions()
