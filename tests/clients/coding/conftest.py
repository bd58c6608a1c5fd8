"""A repository with a fault in it, and a coding tool that is let loose on it.

A tool is set up as the documentation says, in a home of its own, with the Node of the suites and
nothing that says "ask a person".
"""

import os
import pathlib
import subprocess

import pytest
from stage import recipes
from stage.fake import answer, text

WRONG, RIGHT = "def add(a, b):\n    return a - b\n", "def add(a, b):\n    return a + b\n"
BIN = pathlib.Path(os.environ["CLIENTS"], "coding/node_modules/.bin")


class Repository:
    def __init__(self, folder: pathlib.Path, fake: object) -> None:
        self.folder, self.fake = folder, fake
        self.home, self.file = folder.parent, folder / "add.py"

    def follow(self, recipe: recipes.Recipe, name: str, program: object, after: str, **env: str) -> subprocess.CompletedProcess:
        """Does what a page says, with words behind what it says that keep the tool from asking."""
        recipes.stand_in(self.home / "bin", name, program, after=after)
        return recipes.follow(recipe, name, self.folder, **env)

    def expect(self, done: subprocess.CompletedProcess, model: str) -> None:
        """The file is mended, the tool saw its own edit's result, and said the last text."""
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Fixed it." in done.stdout, done.stdout + done.stderr
        assert self.file.read_text() == RIGHT
        steps = [call for call in self.fake.calls if call["json"].get("tools")]
        assert [call["status"] for call in steps] == [200, 200, 200]
        assert all(call["json"]["stream"] for call in steps)
        for id in ("readfile1", "editfile2"):
            assert id in steps[-1]["body"], f"{model} was not told of {id}"


@pytest.fixture
def repository(tmp_path, fake):
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "add.py").write_text(WRONG)
    subprocess.run(["git", "init", "--quiet", folder], check=True)
    return Repository(folder, fake)


@pytest.fixture
def read_and_edit(fake):
    """Scripts an upstream that calls both tools, one after the other, and then says so."""

    def script(read: dict, edit: dict, before: tuple[dict, ...] = ()) -> None:
        fake.script(*before, answer(text("Reading."), read), answer(edit), answer(text("Fixed it.")))

    return script
