#!/usr/bin/env python3
"""Compiles the engine's CUDA kernels as a machine with a device would, on one that needs none: by NVRTC, of its package.

    python3 -m venv nvrtc && nvrtc/bin/pip install nvidia-cuda-nvrtc-cu12
    nvrtc/bin/python crates/vane-engine/tests/gpu/compile.py [80 90 ...]

For each architecture: what is in the PTX, and of each kernel what ptxas says of its registers and what it spills.
"""

import ctypes
import pathlib
import re
import sys

import nvidia.cuda_nvrtc

FOLDER = pathlib.Path(__file__).parents[2] / "src/model/gpu"
SOURCE = b"".join((FOLDER / name).read_bytes() for name in ["cuda.h", "kernels.c"])
library = next(pathlib.Path(nvidia.cuda_nvrtc.__path__[0]).glob("lib/libnvrtc.so.*"))
nvrtc = ctypes.CDLL(str(library))


def compiled(options, kind):
    """The code, and what was said of it."""
    program = ctypes.c_void_p()
    assert not nvrtc.nvrtcCreateProgram(ctypes.byref(program), SOURCE, b"kernels.c", 0, None, None)
    words = (ctypes.c_char_p * len(options))(*[option.encode() for option in options])
    failed = nvrtc.nvrtcCompileProgram(program, len(options), words)
    code, log = told(program, kind) if not failed else b"", told(program, "ProgramLog").decode().strip("\0")
    if failed:
        sys.exit(log)
    return code, log


def told(program, what):
    size = ctypes.c_size_t()
    assert not getattr(nvrtc, f"nvrtcGet{what}Size")(program, ctypes.byref(size))
    text = ctypes.create_string_buffer(size.value)
    assert not getattr(nvrtc, f"nvrtcGet{what}")(program, text)
    return text.raw


for architecture in sys.argv[1:] or ["80", "90"]:
    # The options of `cuda.rs`, but for the code itself rather than PTX, which can be read.
    image, log = compiled(["--fmad=false", f"--gpu-architecture=compute_{architecture}"], "PTX")
    print(f"compute_{architecture}: {len(image)} bytes of PTX, {image.count(b'.entry')} kernels")
    fused = re.findall(rb"\n[^\n]*\bfma\.rn\.f32", image)
    print(f"  {len(fused)} fused, {image.count(b'atom.')} atomic, {image.count(b'.ftz')} that flush, {image.count(b'.approx')} approximate")
    print(log or "  no warnings")
    _, log = compiled(["--fmad=false", f"--gpu-architecture=sm_{architecture}", "--ptxas-options=-v"], "CUBIN")
    names = re.findall(r"Compiling entry function '(\w+)'", log)
    for name, spills, used in zip(names, re.findall(r"(\d+ bytes stack frame, \d+ bytes spill stores)", log), re.findall(r"Used (.*)", log)):
        print(f"  {name:20} {spills}, {used}")
