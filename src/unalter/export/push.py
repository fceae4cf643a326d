"""A shared folder brought to the Hugging Face Hub."""

from __future__ import annotations

import json
import re
from pathlib import Path

from unalter._version import __version__
from unalter.models.shared import LIBRARY, REPOSITORY, endpoint
from unalter.support.errors import InputError, first_line
from unalter.support.extras import need

_OF_A_NEW_ONE = {".gitattributes", "README.md"}


def check_push(repository: str) -> None:
    """Refuse what cannot be pushed to, before the work for it begins.

    Raises:
        InputError: the name is none, nobody is logged in, or something else is there.
    """
    if not re.fullmatch(REPOSITORY, repository):
        raise InputError(f"--push {repository}: a repository on the Hub is called user/name")
    need("huggingface_hub", extra="hub")
    from huggingface_hub import get_token

    if get_token() is None:
        raise InputError(f"--push {repository}: log in first, by 'hf auth login', or give a token in HF_TOKEN")
    _written_before(repository)


def push(folder: Path, repository: str) -> str:
    """Upload a folder that `write_hub` filled; what an export of before has left there and this one lacks goes.

    Returns:
        The address of the repository.

    Raises:
        InputError: the Hub refuses, or cannot be reached; the folder is as it was.
    """
    from huggingface_hub import HfApi

    try:
        api = HfApi(endpoint())
        api.create_repo(repository, exist_ok=True)
        api.upload_folder(
            repo_id=repository, folder_path=folder, commit_message=f"unalter {__version__}",
            delete_patterns=_written_before(repository) or None,
        )  # fmt: skip
    except Exception as error:  # of whichever library is beneath
        if isinstance(error, InputError):
            raise
        later = f"hf upload {repository} {folder}"
        raise InputError(f"{folder} is written, and {_refused(repository, error)}; later: {later}") from None
    return f"{endpoint()}/{repository}"


def _written_before(repository: str) -> list[str]:
    """The files that an export of before wrote there.

    Raises:
        InputError: files of something else are there; the Hub cannot be reached.
    """
    from huggingface_hub import HfApi, hf_hub_download
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        info = HfApi(endpoint()).model_info(repository)
        files = {one.rfilename for one in info.siblings or ()}
        if files <= _OF_A_NEW_ONE:
            return []
        config = {}
        if "config.json" in files:
            copy = hf_hub_download(repository, "config.json", revision=info.sha, endpoint=endpoint())
            config = json.loads(Path(copy).read_text("utf-8"))
    except RepositoryNotFoundError:
        return []
    except Exception as error:  # of whichever library is beneath
        raise InputError(_refused(repository, error)) from None
    if not isinstance(config, dict) or config.get("library_name") != LIBRARY:
        raise InputError(f"--push {repository}: something else is there, which 'unalter export' did not write")
    return list(config["files"])


def _refused(repository: str, error: Exception) -> str:
    return f"{repository} cannot be pushed to at {endpoint()} ({first_line(error)})"
