"""`python -m unalter` is the command `unalter`."""

from unalter.cli import main

main()
