"""Which altered picture came from which clean one."""

from unalter.pairing.finding import PRECISION, check_altered, find_pairs
from unalter.pairing.names import pair_by_name
from unalter.pairing.pairs import Pairs, read_pairs, write_pairs

__all__ = ["PRECISION", "Pairs", "check_altered", "find_pairs", "pair_by_name", "read_pairs", "write_pairs"]
