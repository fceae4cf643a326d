"""Which altered picture came from which clean one."""

from unalter.pairing.names import pair_by_name
from unalter.pairing.pairs import Pairs, write_pairs

__all__ = ["Pairs", "pair_by_name", "write_pairs"]
