"""aider edits a file through Vane. It calls no tools: the edit stands in the answer's text."""

import os
import pathlib

import pytest
from conftest import RIGHT
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
--no-suggest-shell-commands --no-check-update --analytics-disable --map-tokens 0 --message""".split()
WAYS = [("openai", "codestral-latest"), ("openai", "claude-haiku-4-5"), ("anthropic", "lab-coder")]


def fix(repository, url, key, kind, model):
    env = {"OPENAI_API_BASE": f"{url}/v1", "OPENAI_API_KEY": key, "ANTHROPIC_API_BASE": url, "ANTHROPIC_API_KEY": key}
    return repository.run([AIDER, "--model", f"{kind}/{model}", *OPTIONS, "Fix add.py", "add.py"], **env)


@pytest.mark.parametrize(("kind", "model"), WAYS)
def test_a_file_is_edited(repository, fake, url, key, kind, model):
    fake.script(answer(text(EDIT)))
    done = fix(repository, url, key, kind, model)
    assert done.returncode == 0, done.stdout + done.stderr
    assert repository.file.read_text() == RIGHT, done.stdout
    assert [(call["status"], call["json"]["stream"]) for call in fake.calls] == [(200, True)]


def test_it_recovers_from_an_overloaded_upstream(repository, fake, url, key):
    fake.script(status(429), answer(text(EDIT)))
    done = fix(repository, url, key, "openai", "codestral-latest")
    assert repository.file.read_text() == RIGHT, done.stdout + done.stderr
