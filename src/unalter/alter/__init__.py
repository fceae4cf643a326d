"""Alterations as batched tensor functions, and recipes made of them."""

from unalter.alter.alteration import (
    Alteration,
    Blend,
    Blur,
    Contrast,
    GaussianNoise,
    Invert,
    Occlusion,
    SaltAndPepper,
    ShotNoise,
    Speckle,
)
from unalter.alter.backgrounds import find_backgrounds
from unalter.alter.draws import KeyedDraws, fold_in
from unalter.alter.geometry import Flip, Geometric, Perspective, Rotate, Scale, Translate
from unalter.alter.recipe import Branch, Recipe
from unalter.alter.recipe_file import load_recipe, presets

__all__ = [
    "Alteration",
    "Blend",
    "Blur",
    "Branch",
    "Contrast",
    "Flip",
    "GaussianNoise",
    "Geometric",
    "Invert",
    "KeyedDraws",
    "Occlusion",
    "Perspective",
    "Recipe",
    "Rotate",
    "SaltAndPepper",
    "Scale",
    "ShotNoise",
    "Speckle",
    "Translate",
    "find_backgrounds",
    "fold_in",
    "load_recipe",
    "presets",
]
