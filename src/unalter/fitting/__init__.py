"""Recipes learned from two folders: the alterations after which clean pictures are like the altered ones."""
