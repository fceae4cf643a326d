"""`python -m unalter` is the command `unalter`."""

from unalter.cli.main import main

main()
