#!/usr/bin/env bash
# All that is to be known of a GPU, in one go, for a GPU that is there for minutes: a table in under eight of them.
#
#   benchmarks/cuda.sh                          on a machine with CUDA; without, everything at tiny sizes on the CPU
#   UNALTER_DATA=folder benchmarks/cuda.sh      the whole job on folders of your own in place of altered shipped digits
#   PYTHON=python3.12 WHEELS=folder MINUTES=8 benchmarks/cuda.sh
#
# No network is used. Python 3.12 with torch for CUDA (2.9 or later) must be there, with numpy, pyyaml and jinja2, which come
# with most images of it. What they lack lies in a folder wheels/ beside this script, made before, on any machine, by
#
#   pip download --dest benchmarks/wheels --only-binary :all: --no-deps --python-version 3.12 \
#     --platform manylinux2014_x86_64 --platform manylinux_2_17_x86_64 --platform manylinux_2_28_x86_64 \
#     numpy scipy threadpoolctl scikit-learn joblib numba llvmlite pynndescent scikit-image imageio tifffile lazy-loader \
#     matplotlib contourpy cycler fonttools kiwisolver pyparsing python-dateutil six pillow packaging networkx narwhals \
#     pyyaml rich markdown-it-py mdurl pygments click safetensors filelock platformdirs jinja2 markupsafe \
#     pytest iniconfig pluggy
#
# (numba says which numpy it takes: give that version, as in constraints.txt.) The package itself is used from src/.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3}
if [ -x "$here/../.venv/bin/python" ] && [ -z "${PYTHON:-}" ]; then python="$here/../.venv/bin/python"; fi
wheels=${WHEELS:-$here/wheels}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
export PYTHONPATH="$here/../src:$here/../tests:$here${PYTHONPATH:+:$PYTHONPATH}" XDG_CACHE_HOME="$place/cache"
if [ -d "$wheels" ]; then
  "$python" - "$wheels" "$place/site" <<'PY'
# only what is missing: an image's own numpy fits its torch
import importlib.metadata, pathlib, subprocess, sys

wheels, site = map(pathlib.Path, sys.argv[1:])
there = {(d.metadata["Name"] or "").lower().replace("_", "-") for d in importlib.metadata.distributions()}
missing = [w for w in sorted(wheels.glob("*.whl")) if w.name.split("-")[0].lower().replace("_", "-") not in there]
if missing:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target", site, *missing]
    subprocess.run(list(map(str, command)), check=True)
PY
  export PYTHONPATH="$PYTHONPATH:$place/site"
fi
seconds=$(( ${MINUTES:-8} * 60 - 20 ))
"$python" "$here/on_gpu.py" --seconds "$seconds" --folder "$place" ${UNALTER_DATA:+--data "$UNALTER_DATA"} "$@"
