"""Continue's CLI edits a file through Vane; its editor extensions call with the same code."""

import pytest
from conftest import BIN
from stage.fake import tool

CONFIG = """name: Vane
version: 1.0.0
schema: v1
models:
  - name: Vane
    provider: {provider}
    model: {model}
    apiBase: {url}/v1
    apiKey: {key}
    roles: [chat]
    capabilities: [tool_use]
"""
WAYS = [("mistral", "lab-coder"), ("openai", "claude-haiku-4-5"), ("anthropic", "codestral-latest")]


@pytest.mark.parametrize(("provider", "model"), WAYS)
def test_a_file_is_edited(repository, read_and_edit, url, key, provider, model):
    config = repository.home / "config.yaml"
    config.write_text(CONFIG.format(provider=provider, model=model, url=url, key=key))
    file = str(repository.file)
    change = {"old_string": "a - b", "new_string": "a + b"}
    edit = tool("editfile2", "Edit", file_path=file, **change)
    if model.startswith("claude"):
        # It gives such models another tool.
        edit = tool("editfile2", "MultiEdit", file_path=file, edits=[change])
    read_and_edit(tool("readfile1", "Read", filepath=file), edit)
    home = str(repository.home / ".continue")
    env = {"CONTINUE_TELEMETRY_ENABLED": "0", "CONTINUE_GLOBAL_DIR": home}
    done = repository.run([BIN / "cn", "--config", config, "--auto", "-p", "Fix add.py"], **env)
    repository.expect(done, model)
