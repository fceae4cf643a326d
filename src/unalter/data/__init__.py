"""Data sets read from wherever they lie; the digits shipped with the package."""
