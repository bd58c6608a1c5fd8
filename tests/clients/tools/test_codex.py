"""Codex edits a file through Vane as the documentation sets it up, whatever the upstream speaks."""

import os
import pathlib
import shlex

import pytest
from stage import recipes
from stage.fake import answer, reasoning, status, text, tool

CODEX = pathlib.Path(os.environ["CLIENTS"], "tools/node_modules/.bin/codex")
WRONG, RIGHT = "def add(a, b):\n    return a - b\n", "def add(a, b):\n    return a + b\n"
# Mistral upstream, another reasoning model there, an OpenAI-style chat server, Anthropic, its own dialect.
MODELS = ["codestral-latest", "magistral-medium-latest", "lab-coder", "claude-haiku-4-5", "gpt-5"]


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "add.py").write_text(WRONG)
    return folder


@pytest.fixture
def codex(folder):
    def run(recipe, prompt="Fix add.py"):
        before = "exec --skip-git-repo-check --dangerously-bypass-approvals-and-sandbox"
        recipes.stand_in(folder.parent / "bin", "codex", CODEX, before, shlex.quote(prompt))
        return recipes.follow(recipe, "codex", folder)

    return run


def of_model(model):
    return recipes.first("codex").of_model(model)


EDIT = tool("execcall1", "exec_command", cmd="sed -i 's/a - b/a + b/' add.py && echo edited")


@pytest.mark.parametrize("model", MODELS)
def test_a_file_is_edited(codex, folder, fake, model):
    thinks = not model.startswith(("codestral", "lab"))
    thought = [reasoning("Look first.")] if thinks else []
    fake.script(answer(*thought, EDIT), answer(text("Fixed it.")))
    done = codex(of_model(model))
    assert (done.stdout.strip(), done.returncode) == ("Fixed it.", 0), done.stderr
    assert (folder / "add.py").read_text() == RIGHT
    assert [call["status"] for call in fake.calls] == [200, 200]
    assert "edited" in fake.last["body"]
    if thinks:
        assert "Look first." in fake.last["body"] or "encrypted_content" in fake.last["body"]


@pytest.mark.parametrize("recipe", recipes.of("codex"), ids=str)
def test_what_a_page_says_works_as_it_stands_there(codex, folder, fake, recipe):
    fake.script(answer(EDIT), answer(text("Fixed it.")))
    done = codex(recipe)
    assert (done.stdout.strip(), done.returncode) == ("Fixed it.", 0), done.stderr
    assert (folder / "add.py").read_text() == RIGHT


def test_it_recovers_from_an_overloaded_upstream(codex, fake):
    fake.script(status(429, headers=[["retry-after", "1"]]), answer(text("Hello.")))
    done = codex(of_model("codestral-latest"), "Hello")
    assert done.stdout.strip() == "Hello.", done.stderr


@pytest.mark.parametrize("model", ["codestral-latest", "gpt-5"])
def test_it_recovers_from_a_stream_that_broke(codex, fake, model):
    broken = answer(text("Good day to you and to everybody else."), fault={"truncate": {"frames": 5}})
    fake.script(broken, answer(text("Hello.")))
    done = codex(of_model(model), "Hello")
    assert done.stdout.strip() == "Hello.", done.stdout + done.stderr


@pytest.mark.parametrize("said", [[], [text("I began, ")]])
def test_a_refusal_is_asked_for_once(codex, fake, said):
    fake.script(answer(*said, finish="refusal"))
    done = codex(of_model("claude-haiku-4-5"), "Hello")
    assert len(fake.calls) == 1, done.stderr


def test_it_says_why_a_model_is_unknown(codex, fake):
    done = codex(of_model("codestral-lates"), "Hello")
    assert done.returncode != 0
    assert "codestral-latest" in done.stdout + done.stderr
    assert fake.calls == []
