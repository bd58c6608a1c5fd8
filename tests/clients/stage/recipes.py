"""Settings of coding tools as the documentation shows them, so that what a page says is what is driven.

A fence with `drive NAME` after its language is a part of the recipe of that name on its page: a tool, and
after a slash which of its ways. With a path behind the name it is that file; without one it is what is
typed into a shell. Only the address, the key and, where a test asks for another one, the model are changed.
"""

import dataclasses
import os
import pathlib
import re
import subprocess

from stage import blocks

KEY = "sk-vane-..."
# The models that recipes name.
MODEL = re.compile(r"\b(codestral-latest|claude-sonnet-4-5|gpt-5\.3-codex)\b")
WITHIN_S = 90


@dataclasses.dataclass(frozen=True)
class Recipe:
    page: str
    name: str
    # Paths and texts; `~/` is the home, any other path is in the folder that is worked on.
    files: tuple[tuple[str, str], ...]
    typed: str

    def __str__(self) -> str:
        return f"{self.page}:{self.name}"

    @property
    def tool(self) -> str:
        return self.name.split("/")[0]

    def replaced(self, changes: dict[str, str]) -> "Recipe":
        """With other words, which must stand in it."""
        whole = "".join(text for _, text in self.files) + self.typed
        missing = [old for old in changes if old not in whole]
        assert not missing, f"{self} has no {missing}"
        return self._each(lambda text: _replaced(text, changes))

    def of_model(self, model: str) -> "Recipe":
        """The same for another model."""
        return self._each(lambda text: MODEL.sub(model, text))

    def place(self, home: pathlib.Path, folder: pathlib.Path) -> None:
        """Writes its files for the server of this suite."""
        here = self._here()
        for path, text in here.files:
            file = home / path[2:] if path.startswith("~/") else folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    def shell(self, usual: str) -> list[str]:
        """What is typed, as a command; a recipe of files alone needs no more than the tool's own name."""
        return ["sh", "-euc", self._here().typed or usual]

    def _here(self) -> "Recipe":
        here = {blocks.USUAL: os.environ["VANE_URL"], KEY: os.environ["VANE_API_KEY"]}
        return self._each(lambda text: _replaced(text, here))

    def _each(self, change) -> "Recipe":
        files = tuple((path, change(text)) for path, text in self.files)
        return dataclasses.replace(self, files=files, typed=change(self.typed))


def _replaced(text: str, changes: dict[str, str]) -> str:
    for old, new in changes.items():
        text = text.replace(old, new)
    return text


def of(tool: str) -> list[Recipe]:
    """Every recipe of a tool, in the order of pages."""
    found: dict[tuple[str, str], Recipe] = {}
    for block in blocks.marked("drive"):
        name, *path = block.needs
        page = str(block.file.relative_to(blocks.ROOT))
        known = found.get((page, name), Recipe(page, name, (), ""))
        if path:
            known = dataclasses.replace(known, files=(*known.files, (path[0], block.code)))
        else:
            known = dataclasses.replace(known, typed=known.typed + block.code)
        found[page, name] = known
    recipes = [recipe for recipe in found.values() if recipe.tool == tool]
    assert recipes, f"no page has a recipe of {tool}"
    return recipes


def first(tool: str) -> Recipe:
    return of(tool)[0]


def stand_in(folder: pathlib.Path, name: str, program: object, before: str = "", after: str = "") -> None:
    """A command of this name that adds what keeps the program from asking a person."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(f'#!/bin/sh\nexec "{program}" {before} "$@" {after}\n')
    file.chmod(0o755)


def follow(recipe: Recipe, usual: str, folder: pathlib.Path, **env: str) -> subprocess.CompletedProcess:
    """Follows a recipe in a folder, whose parent is the home, with the stand-ins of `bin` there."""
    home = folder.parent
    recipe.place(home, folder)
    path = f"{home / 'bin'}:{pathlib.Path(os.environ['NODE']).parent}:{os.environ['PATH']}"
    # opencode believes PWD, not the folder it runs in.
    ours = {"PATH": path, "HOME": str(home), "PWD": str(folder)}
    return subprocess.run(
        recipe.shell(usual), cwd=folder, env=os.environ | ours | env, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=WITHIN_S, check=False,
    )
