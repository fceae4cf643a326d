"""What a small training leaves, as hashes: run it before and after a change that should change no number.

    python benchmarks/same.py > before.txt
    python benchmarks/same.py | diff before.txt -

Trains all three models twice in float32 on digits that come with the package: with a preset recipe and names as they
are, and with a recipe and pairs found for themselves. A line for the recipe, the pairs and each model's weights. The
cache is a new one, so nothing is taken from a run of before. `--python` is another interpreter, with another unalter.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

_MAKE = """
from pathlib import Path
from unalter.data.digits import write_digit_folder
write_digit_folder(Path({out!r}), "train", 600)
"""
_WAYS = {
    "preset": ["--recipe", "altered-mnist", "--pairing", "trust"],
    "fitted": ["--recipe", "auto", "--pairing", "names"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=sys.executable)
    python = parser.parse_args().python
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        environment = os.environ | {"XDG_CACHE_HOME": str(folder / "cache")}

        def run(*words: str | Path) -> None:
            subprocess.run([python, *map(str, words)], check=True, env=environment, stdout=sys.stderr)

        run("-c", _MAKE.format(out=str(folder / "digits")))
        run("-m", "unalter", "alter", folder / "digits", folder / "data", "--count", "400")
        for name, how in _WAYS.items():
            out = folder / name
            options = ["--epochs", "2", "--map-every", "0", "--batch-size", "32", "--precision", "32-true"]
            run("-m", "unalter", "train", folder / "data", "--out", out, *options, "--device", "cpu", *how)
            for file in ("recipe.yaml", "pairs.csv"):
                print(f"{name:<8}{file:<20}{_digest((out / file).read_bytes())}")
            for model in ("ae", "vae", "cvae"):
                print(f"{name:<8}{model:<20}{_weights(out / model / 'model.safetensors')}")


def _weights(path: Path) -> str:
    """Of all tensors in a file, whatever they are called: names may change, numbers should not."""
    from safetensors.numpy import load_file

    tensors = load_file(path).values()
    return _digest(b"".join(sorted(hashlib.sha256(tensor.tobytes()).digest() for tensor in tensors)))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


if __name__ == "__main__":
    main()
