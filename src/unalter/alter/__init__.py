"""Alterations as batched tensor functions, and recipes made of them."""

from unalter.alter.backgrounds import find_backgrounds
from unalter.alter.random import PictureRandom, picture_keys
from unalter.alter.recipe import Recipe, load_recipe, presets

__all__ = ["PictureRandom", "Recipe", "find_backgrounds", "load_recipe", "picture_keys", "presets"]
