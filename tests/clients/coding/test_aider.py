"""aider edits a file through Vane as the documentation sets it up. It calls no tools: the edit stands in the answer's text."""

import os
import pathlib

import pytest
from conftest import RIGHT
from stage import recipes
from stage.fake import answer, status, text

AIDER = pathlib.Path(os.environ["CLIENTS"], ".venv-aider/bin/aider")
EDIT = """add.py
```
<<<<<<< SEARCH
    return a - b
=======
    return a + b
>>>>>>> REPLACE
```
"""
# The map of the repository is made without a model.
OPTIONS = """--edit-format diff --yes-always --no-auto-commits --no-gitignore --no-show-model-warnings
--no-suggest-shell-commands --no-check-update --analytics-disable --map-tokens 0 --message 'Fix add.py' add.py"""
PAGE = recipes.first("aider")
# As the page says of it.
ANTHROPIC = {
    "OPENAI_API_BASE=http://127.0.0.1:8787/v1": "ANTHROPIC_API_BASE=http://127.0.0.1:8787",
    "OPENAI_API_KEY": "ANTHROPIC_API_KEY",
    "openai/": "anthropic/",
}
WAYS = {"codestral-latest": PAGE, "claude-haiku-4-5": PAGE, "lab-coder": PAGE.replaced(ANTHROPIC)}


def fix(repository, model):
    return repository.follow(WAYS[model].of_model(model), "aider", AIDER, after=" ".join(OPTIONS.split("\n")))


@pytest.mark.parametrize("model", WAYS)
def test_a_file_is_edited(repository, fake, model):
    fake.script(answer(text(EDIT)))
    done = fix(repository, model)
    assert done.returncode == 0, done.stdout + done.stderr
    assert repository.file.read_text() == RIGHT, done.stdout
    assert [(call["status"], call["json"]["stream"]) for call in fake.calls] == [(200, True)]


def test_it_recovers_from_an_overloaded_upstream(repository, fake):
    fake.script(status(429), answer(text(EDIT)))
    done = fix(repository, "codestral-latest")
    assert repository.file.read_text() == RIGHT, done.stdout + done.stderr
