"""Recipes learned from two folders: the alterations after which clean pictures are like the altered ones."""

from unalter.alter.fitting.fit import Finding, Fit, fit_recipe

__all__ = ["Finding", "Fit", "fit_recipe"]
