"""opencode edits a file through Vane, by each of the packages that it can call with."""

import json

import pytest
from conftest import BIN
from stage.fake import answer, text, tool

QUIET = {
    "OPENCODE_DISABLE_AUTOUPDATE": "1",
    "OPENCODE_DISABLE_MODELS_FETCH": "1",
    "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
    "OPENCODE_DISABLE_DEFAULT_PLUGINS": "1",
}
# Chat, Messages and Responses, each to an upstream of another dialect; the last to its own.
WAYS = [
    ("@ai-sdk/openai-compatible", "codestral-latest"),
    ("@ai-sdk/openai-compatible", "claude-haiku-4-5"),
    ("@ai-sdk/anthropic", "lab-coder"),
    ("@ai-sdk/openai", "claude-haiku-4-5"),
    ("@ai-sdk/openai", "gpt-4.1"),
]


def config(package, model, url, key):
    limit = {"context": 100_000, "output": 8_000}
    vane = {
        "npm": package,
        "options": {"baseURL": f"{url}/v1", "apiKey": key},
        "models": {model: {"name": model, "tool_call": True, "limit": limit}},
    }
    name = f"vane/{model}"
    return json.dumps({"provider": {"vane": vane}, "model": name, "small_model": name, "permission": "allow"})


@pytest.mark.parametrize(("package", "model"), WAYS)
def test_a_file_is_edited(repository, read_and_edit, url, key, package, model):
    (repository.folder / "opencode.json").write_text(config(package, model, url, key))
    file = str(repository.file)
    read_and_edit(
        tool("readfile1", "read", filePath=file),
        tool("editfile2", "edit", filePath=file, oldString="a - b", newString="a + b"),
        # It asks for a title of the session first.
        before=(answer(text("Mending add.py")),),
    )
    done = repository.run([BIN / "opencode", "run", "--model", f"vane/{model}", "Fix add.py"], **QUIET)
    repository.expect(done, model)
