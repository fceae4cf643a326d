"""Packages that not everybody installs."""

from __future__ import annotations

from importlib.util import find_spec

from unalter.support.errors import InputError


def need(*packages: str, extra: str) -> None:
    """Refuse to begin where a package of an extra is not installed.

    Raises:
        InputError: says which, and how to install it.
    """
    for package in packages:
        if find_spec(package) is None:
            raise InputError(f"{package} is not installed; do so by: pip install 'unalter[{extra}]'")
