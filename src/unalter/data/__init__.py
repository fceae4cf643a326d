"""Folders and IDX files to arrays; the decoded cache; the digits shipped with the package."""

from unalter.data.folders import Folders, Pictures, read_altered, read_folders

__all__ = ["Folders", "Pictures", "read_altered", "read_folders"]
