"""Claude Code edits a file through Vane as the documentation sets it up, whatever the upstream speaks."""

import os
import pathlib
import shlex
import subprocess

import pytest
from stage import recipes
from stage.fake import answer, reasoning, status, text, tool

CLAUDE = pathlib.Path(os.environ["CLIENTS"], "tools/node_modules/.bin/claude")
WRONG, RIGHT = "def add(a, b):\n    return a - b\n", "def add(a, b):\n    return a + b\n"
# Mistral upstream, another reasoning model there, an OpenAI-style chat server, and its own dialect.
MODELS = ["codestral-latest", "magistral-medium-latest", "lab-coder", "claude-haiku-4-5"]
QUIET = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_AUTOUPDATER": "1",
    "IS_SANDBOX": "1",  # root may skip permissions only in one
}


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "add.py").write_text(WRONG)
    subprocess.run(["git", "init", "--quiet", folder], check=True)
    return folder


@pytest.fixture
def claude(repository):
    def run(recipe, prompt="Fix add.py"):
        after = f"-p {shlex.quote(prompt)} --dangerously-skip-permissions"
        recipes.stand_in(repository.parent / "bin", "claude", CLAUDE, after=after)
        return recipes.follow(recipe, "claude", repository, **QUIET)

    return run


def of_model(model):
    return recipes.first("claude-code").of_model(model)


def read_and_edit(file, thinks):
    thought = [reasoning("Look first.")] if thinks else []
    read = tool("readfile1", "Read", file_path=str(file))
    edit = tool("editfile2", "Edit", file_path=str(file), old_string="a - b", new_string="a + b")
    return answer(*thought, text("Reading."), read), answer(edit), answer(text("Fixed it."))


@pytest.mark.parametrize("model", MODELS)
def test_a_file_is_edited(claude, repository, fake, model):
    file = repository / "add.py"
    thinks = model.startswith(("magistral", "claude"))
    fake.script(*read_and_edit(file, thinks))
    done = claude(of_model(model))
    assert (done.stdout.strip(), done.returncode) == ("Fixed it.", 0), done.stderr
    assert file.read_text() == RIGHT
    assert [call["status"] for call in fake.calls] == [200, 200, 200]
    if thinks:
        assert "Look first." in fake.last["body"]


@pytest.mark.parametrize("recipe", recipes.of("claude-code"), ids=str)
def test_what_a_page_says_works_as_it_stands_there(claude, repository, fake, recipe):
    fake.script(*read_and_edit(repository / "add.py", thinks=False))
    done = claude(recipe)
    assert (done.stdout.strip(), done.returncode) == ("Fixed it.", 0), done.stderr
    assert (repository / "add.py").read_text() == RIGHT


def test_the_line_that_changes_per_conversation_stays_here(claude, repository, fake):
    fake.script(answer(text("Hello.")))
    assert claude(of_model("codestral-latest"), "Hello").returncode == 0
    assert "x-anthropic-billing-header" not in fake.last["body"]


def test_it_recovers_from_an_overloaded_upstream(claude, repository, fake):
    fake.script(status(429, headers=[["retry-after", "1"]]), answer(text("Hello.")))
    done = claude(of_model("codestral-latest"), "Hello")
    assert done.stdout.strip() == "Hello.", done.stderr


@pytest.mark.parametrize("model", ["codestral-latest", "claude-haiku-4-5"])
def test_it_recovers_from_a_stream_that_broke(claude, fake, model):
    broken = answer(text("Good day to you and to everybody else."), fault={"truncate": {"frames": 5}})
    fake.script(broken, answer(text("Hello.")))
    done = claude(of_model(model), "Hello")
    assert done.stdout.strip() == "Hello.", done.stdout + done.stderr


def test_it_says_why_a_model_is_unknown(claude, fake):
    done = claude(of_model("codestral-lates"), "Hello")
    assert done.returncode != 0
    assert "codestral-lates" in done.stdout + done.stderr
    assert fake.calls == []
