import os
import subprocess
import sys

import pytest
import torch

from unalter.support import device as devices
from unalter.training import precision
from unalter.training.precision import choose_precision

CPU = torch.device("cpu")


@pytest.mark.parametrize(("native", "expected"), [(True, "bf16-mixed"), (False, "32-true")])
def test_the_precision_is_what_the_processor_does_and_no_matter_of_speed(native, expected, monkeypatch):
    monkeypatch.setattr(precision, "native_bf16", lambda device: native)
    assert choose_precision("auto", CPU) == expected
    for asked in ("32-true", "bf16-mixed"):
        assert choose_precision(asked, CPU) == asked


LIMITS = [("ATEN_CPU_CAPABILITY", "avx2"), ("ONEDNN_MAX_CPU_ISA", "AVX2"), ("ONEDNN_MAX_CPU_ISA", "AVX512_CORE")]


@pytest.mark.parametrize(("name", "value"), LIMITS, ids=str)
def test_a_processor_that_is_held_back_to_older_instructions_has_no_bf16(name, value):
    script = "import torch; from unalter.support.device import native_bf16; print(native_bf16(torch.device('cpu')))"
    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, name: value}, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("found", "expected"),
    [({"avx512_bf16": True}, True), ({"amx_bf16": True}, True), ({"avx512_f": True, "avx2": True}, False), ({}, False)],
)
def test_bf16_is_native_where_the_processor_says_so(found, expected, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: found, raising=False)  # not in torch 2.9
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)
    assert devices.native_bf16(CPU) == expected
