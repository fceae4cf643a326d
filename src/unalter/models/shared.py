"""Models that others share: folders that `unalter export` writes, here or on the Hugging Face Hub."""

from __future__ import annotations

import hashlib
import json
import os
import re
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

from unalter.support.arguments import as_path
from unalter.support.errors import InputError, first_line
from unalter.support.extras import need

LIBRARY = "unalter"
"""What config.json of a shared folder says that it is for."""
REPOSITORY = r"[\w.-]+/[\w.-]+"
"""How the Hub calls one: user/name."""
_ADDRESS = re.compile(rf"hf:/+({REPOSITORY})(?:@(\S+))?")
"""One slash or two: a path holds one."""
_PICKLES = (".bin", ".ckpt", ".dill", ".joblib", ".pickle", ".pkl", ".pt", ".pt2", ".pth")
_WANTED = ["config.json", "*/config.json", "*/model.safetensors"]
_CHECKED = ("*/model.safetensors", "*/config.json", "*/*.onnx")
"""What has to be as it was exported; people may write on in the card, or add to the page."""


def endpoint() -> str:
    """The address of the Hub, or of another server that speaks as it does."""
    return os.environ.get("HF_ENDPOINT") or "https://huggingface.co"


def fetched(path: str | os.PathLike[str], what: str = "path") -> Path:
    """The folder itself, or of hf://user/name (or hf://user/name@revision) the copy in huggingface_hub's cache.

    Weights and descriptions are fetched, nothing else. Without a network the copy of before is taken.

    Args:
        what: what the caller calls it.

    Raises:
        InputError: there is no such repository, it is none of unalter or carries pickles, it cannot be reached.
    """
    place = as_path(path, what)
    text = place.as_posix()
    if text != "hf:" and not text.startswith("hf:/"):
        return place
    found = _ADDRESS.fullmatch(text.rstrip("/"))
    if found is None:
        raise InputError(f"{text}: a model on the Hub is called hf://user/name, or hf://user/name@revision")
    need("huggingface_hub", extra="hub")
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

    name, revision = found.groups()
    where = f"hf://{name}"
    offline = False
    try:
        info = HfApi(endpoint()).model_info(name, revision=revision)
        files = [one.rfilename for one in info.siblings or ()]
    except (RepositoryNotFoundError, RevisionNotFoundError):
        raise InputError(
            f"{where}: there is no such model at {endpoint()}, or it is private: log in by 'hf auth login'"
        ) from None
    except HfHubHTTPError as error:
        raise InputError(f"{where}: cannot be read from {endpoint()} ({first_line(error)})") from None
    except Exception as error:  # of whichever library is beneath
        files, offline, reason = [], True, error
    if not offline:
        _refuse_pickles(where, [one for one in files if PurePosixPath(one).suffix.lower() in _PICKLES])
    try:
        how = {"allow_patterns": _WANTED, "endpoint": endpoint(), "local_files_only": offline}
        copy = Path(snapshot_download(name, revision=revision, **how))
    except Exception as error:
        said = first_line(reason if offline else error)
        raise InputError(f"{where}: cannot be read from {endpoint()} ({said})") from None
    if not shared_config(copy):
        raise InputError(f"{where}: was not written by 'unalter export' (its config.json does not say so)")
    return copy


def check_shared(folder: Path) -> None:
    """Refuse a shared folder whose models are not those that were exported, or that carries pickles.

    Folders of other kinds, such as a run's, are passed over.

    Raises:
        InputError: says which file.
    """
    listed = shared_config(folder).get("files")
    if listed is None:
        return
    _refuse_pickles(str(folder), [path.relative_to(folder).as_posix() for path in folder.rglob("*") if _pickled(path)])
    for path in (path for pattern in _CHECKED for path in sorted(folder.glob(pattern))):
        name = path.relative_to(folder).as_posix()
        if listed.get(name) != sha256(path):
            raise InputError(f"{path}: is not the file that was exported (its SHA-256 is another); fetch it again")


def shared_config(folder: Path) -> dict[str, Any]:
    """What config.json of a shared folder says; empty for a folder of another kind."""
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    ours = isinstance(config, dict) and config.get("library_name") == LIBRARY and isinstance(config.get("files"), dict)
    return config if ours else {}


def sha256(path: Path) -> str:
    """Of a file, in hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _refuse_pickles(where: str, names: Iterable[str]) -> None:
    """Those are files that can run code when they are read."""
    for name in names:
        raise InputError(f"{where}: carries {name}, a pickle, which can run code; nothing is read from it")


def _pickled(path: Path) -> bool:
    """Whether a file is a pickle, by its name or by what is in it."""
    if not path.is_file():
        return False
    if path.suffix.lower() in _PICKLES:
        return True
    with open(path, "rb") as file:
        start = file.read(4)
    if start[:1] == b"\x80" and start[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return True
    if start != b"PK\x03\x04" or not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(PurePosixPath(name).suffix in _PICKLES for name in archive.namelist())
