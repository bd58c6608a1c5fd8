"""Qwen Code edits a file through Vane."""

import pytest
from conftest import BIN
from stage.fake import tool

WAYS = [("openai", "codestral-latest"), ("openai", "claude-haiku-4-5"), ("anthropic", "lab-coder")]


@pytest.mark.parametrize(("kind", "model"), WAYS)
def test_a_file_is_edited(repository, read_and_edit, url, key, kind, model):
    file = str(repository.file)
    read_and_edit(
        tool("readfile1", "read_file", file_path=file),
        tool("editfile2", "edit", file_path=file, old_string="a - b", new_string="a + b"),
    )
    name = kind.upper()
    env = {f"{name}_API_KEY": key, f"{name}_MODEL": model}
    env[f"{name}_BASE_URL"] = f"{url}/v1" if kind == "openai" else url
    done = repository.run([BIN / "qwen", "--auth-type", kind, "--yolo", "-p", "Fix add.py"], **env)
    repository.expect(done, model)
