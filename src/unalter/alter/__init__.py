"""Alterations as batched tensor functions, and recipes made of them."""

from unalter.alter.backgrounds import find_backgrounds
from unalter.alter.fitting import Fit, fit_recipe
from unalter.alter.geometry import Flip, Perspective, Rotate, Scale, Translate, Warp
from unalter.alter.operations import (
    Blend,
    Blur,
    Contrast,
    GaussianNoise,
    Invert,
    Occlusion,
    Operation,
    SaltAndPepper,
    ShotNoise,
    Speckle,
)
from unalter.alter.random import PictureRandom, picture_keys
from unalter.alter.reading import load_recipe, presets
from unalter.alter.recipe import Branch, Recipe

__all__ = [
    "Blend",
    "Blur",
    "Branch",
    "Contrast",
    "Fit",
    "Flip",
    "GaussianNoise",
    "Invert",
    "Occlusion",
    "Operation",
    "Perspective",
    "PictureRandom",
    "Recipe",
    "Rotate",
    "SaltAndPepper",
    "Scale",
    "ShotNoise",
    "Speckle",
    "Translate",
    "Warp",
    "find_backgrounds",
    "fit_recipe",
    "load_recipe",
    "picture_keys",
    "presets",
]
