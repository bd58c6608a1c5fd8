#!/usr/bin/env python3
"""The embedded engine beside llama.cpp: the same file, the same threads, in turns, in the same run.

    bench/engine/compare.py [--formats q8_0,q4_k,q4_0] [--threads 1] [--repeats 2] [--native] [--json]

Installs llama-cpp-python from PyPI into target/compare (some minutes: it is compiled there; pip brings cmake, a
C++ compiler must be here). Without --native it is built for AVX2, as llama.cpp's ready builds are; with it, for this
processor. Models are random, of 1.1 billion weights. What is told is tokens per second of processor time, the best
of all repeats: clocks of a busy machine say nothing.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
LLAMA = "llama-cpp-python==0.3.36"
PARTS = ["prompt", "output", "output_of_eight"]


def interpreter(native):
    """The Python of an environment with llama.cpp, made where it is not there."""
    folder = TARGET / "compare" / ("native" if native else "avx2")
    python = folder / "bin" / "python"
    done = folder / "done"
    if done.exists():
        return python
    flags = "-DLLAVA_BUILD=OFF -DGGML_OPENMP=OFF"
    # AMX is left out: where a virtual machine names it and does not allow it, the process ends.
    flags += " -DGGML_NATIVE=OFF"
    if native:
        for part in ["", "_VBMI", "_VNNI", "_BF16"]:
            flags += f" -DGGML_AVX512{part}=ON"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    print("building llama.cpp ...", file=sys.stderr)
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", LLAMA],
        env={**os.environ, "CMAKE_ARGS": flags},
        check=True,
    )
    done.touch()
    return python


def ours(format, threads):
    """What the example `speed` prints last on each line."""
    command = ["cargo", "run", "--quiet", "--release", "-p", "vane-engine", "--example", "speed", "--"]
    text = subprocess.run(
        [*command, "--random", format, str(threads)], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    lines = [r"prompt of \d+", "output", r"output of \d+ sequences"]
    found = [re.search(rf"^{line} +[\d.]+ +([\d.]+)$", text, re.MULTILINE) for line in lines]
    return {part: float(match.group(1)) for part, match in zip(PARTS, found)}


def theirs(python, format, threads):
    model = Path(tempfile.gettempdir()) / f"vane-random-{format}.gguf"
    script = Path(__file__).with_name("llama.py")
    run = subprocess.run([python, script, model, str(threads)], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(run.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--formats", default="q8_0,q4_k,q4_0")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--native", action="store_true")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    python = interpreter(arguments.native)
    rows = []
    for format in arguments.formats.split(","):
        turns = [
            (ours(format, arguments.threads), theirs(python, format, arguments.threads))
            for _ in range(arguments.repeats)
        ]
        for part in PARTS:
            own, other = (max(turn[side][part] for turn in turns) for side in (0, 1))
            rows.append({"format": format, "part": part, "vane": own, "llama": other, "ratio": own / other})
        built_with = turns[0][1]["built_with"]
    if arguments.json:
        load = os.getloadavg()[0]
        print(json.dumps({"threads": arguments.threads, "load": load, "built_with": built_with, "rows": rows}))
        return
    print(f"{'format':8}{'part':18}{'vane':>8}{'llama.cpp':>11}{'ratio':>8}")
    for row in rows:
        print(f"{row['format']:8}{row['part']:18}{row['vane']:8.1f}{row['llama']:11.1f}{row['ratio']:8.2f}")


main()
