"""Codex edits a file through Vane, whatever the upstream speaks."""

import os
import pathlib
import subprocess

import pytest
from stage.fake import answer, reasoning, status, text, tool

CODEX = pathlib.Path(os.environ["CLIENTS"], "tools/node_modules/.bin/codex")
WRONG, RIGHT = "def add(a, b):\n    return a - b\n", "def add(a, b):\n    return a + b\n"
CONFIG = """model = "{model}"
model_provider = "vane"
[model_providers.vane]
name = "vane"
base_url = "{url}/v1"
env_key = "VANE_API_KEY"
wire_api = "responses"
"""
# Mistral upstream, another reasoning model there, an OpenAI-style chat server, Anthropic, its own dialect.
MODELS = ["codestral-latest", "magistral-medium-latest", "lab-coder", "claude-haiku-4-5", "gpt-5"]


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "add.py").write_text(WRONG)
    return folder


@pytest.fixture
def codex(folder, url, key):
    def run(model, prompt="Fix add.py"):
        home = folder.parent / "home"
        home.mkdir(exist_ok=True)
        (home / "config.toml").write_text(CONFIG.format(model=model, url=url))
        # The command is a Node script: the Node of this suite comes first.
        path = f"{pathlib.Path(os.environ['NODE']).parent}:{os.environ['PATH']}"
        env = os.environ | {"PATH": path, "CODEX_HOME": str(home), "VANE_API_KEY": key}
        command = [CODEX, "exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", prompt]
        return subprocess.run(command, cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90)

    return run


@pytest.mark.parametrize("model", MODELS)
def test_a_file_is_edited(codex, folder, fake, model):
    thinks = not model.startswith(("codestral", "lab"))
    thought = [reasoning("Look first.")] if thinks else []
    edit = tool("execcall1", "exec_command", cmd="sed -i 's/a - b/a + b/' add.py && echo edited")
    fake.script(answer(*thought, edit), answer(text("Fixed it.")))
    done = codex(model)
    assert (done.stdout.strip(), done.returncode) == ("Fixed it.", 0), done.stderr
    assert (folder / "add.py").read_text() == RIGHT
    assert [call["status"] for call in fake.calls] == [200, 200]
    assert "edited" in fake.last["body"]
    if thinks:
        assert "Look first." in fake.last["body"] or "encrypted_content" in fake.last["body"]


def test_it_recovers_from_an_overloaded_upstream(codex, fake):
    fake.script(status(429, headers=[["retry-after", "1"]]), answer(text("Hello.")))
    done = codex("codestral-latest", "Hello")
    assert done.stdout.strip() == "Hello.", done.stderr


@pytest.mark.parametrize("model", ["codestral-latest", "gpt-5"])
def test_it_recovers_from_a_stream_that_broke(codex, fake, model):
    broken = answer(text("Good day to you and to everybody else."), fault={"truncate": {"frames": 5}})
    fake.script(broken, answer(text("Hello.")))
    done = codex(model, "Hello")
    assert done.stdout.strip() == "Hello.", done.stdout + done.stderr


def test_it_says_why_a_model_is_unknown(codex, fake):
    done = codex("codestral-lates", "Hello")
    assert done.returncode != 0
    assert "codestral-latest" in done.stdout + done.stderr
    assert fake.calls == []
