"""GitHub Copilot's CLI edits a file through Vane, by each of the APIs that it speaks."""

import pytest
from conftest import BIN
from stage.fake import tool

WAYS = [
    ("openai", "completions", "codestral-latest"),
    ("openai", "responses", "codestral-latest"),
    ("openai", "responses", "claude-haiku-4-5"),
    ("openai", "responses", "gpt-5"),
    ("anthropic", "completions", "lab-coder"),
]


@pytest.mark.parametrize(("kind", "api", "model"), WAYS)
def test_a_file_is_edited(repository, read_and_edit, url, key, kind, api, model):
    file = str(repository.file)
    read_and_edit(
        tool("readfile1", "view", path=file),
        tool("editfile2", "edit", path=file, old_str="a - b", new_str="a + b"),
    )
    env = {
        "COPILOT_PROVIDER_BASE_URL": f"{url}/v1" if kind == "openai" else url,
        "COPILOT_PROVIDER_TYPE": kind,
        "COPILOT_PROVIDER_WIRE_API": api,
        "COPILOT_PROVIDER_API_KEY": key,
        "COPILOT_MODEL": model,
        "COPILOT_OFFLINE": "true",
    }
    allowed = ["--allow-all-tools", "--allow-all-paths"]
    done = repository.run([BIN / "copilot", *allowed, "-p", "Fix add.py"], **env)
    repository.expect(done, model)
