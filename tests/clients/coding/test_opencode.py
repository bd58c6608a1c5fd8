"""opencode edits a file through Vane as the documentation sets it up, by each of the packages that it can call with."""

import pytest
from conftest import BIN
from stage import recipes
from stage.fake import answer, text, tool

QUIET = {
    "OPENCODE_DISABLE_AUTOUPDATE": "1",
    "OPENCODE_DISABLE_MODELS_FETCH": "1",
    "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
    "OPENCODE_DISABLE_DEFAULT_PLUGINS": "1",
}
PAGE = recipes.first("opencode")
PACKAGE = "@ai-sdk/openai-compatible"
# Chat, Messages and Responses, each to an upstream of another dialect; the last to its own.
WAYS = [
    (PACKAGE, "codestral-latest"),
    (PACKAGE, "claude-haiku-4-5"),
    ("@ai-sdk/anthropic", "lab-coder"),
    ("@ai-sdk/openai", "claude-haiku-4-5"),
    ("@ai-sdk/openai", "gpt-4.1"),
]


@pytest.mark.parametrize(("package", "model"), WAYS)
def test_a_file_is_edited(repository, read_and_edit, package, model):
    file = str(repository.file)
    read_and_edit(
        tool("readfile1", "read", filePath=file),
        tool("editfile2", "edit", filePath=file, oldString="a - b", newString="a + b"),
        # It asks for a title of the session first.
        before=(answer(text("Mending add.py")),),
    )
    recipe = PAGE.replaced({PACKAGE: package}).of_model(model)
    done = repository.follow(recipe, "opencode", BIN / "opencode", after="run 'Fix add.py'", **QUIET)
    repository.expect(done, model)
    if package == PACKAGE and model.startswith("claude"):
        # It marks messages whose content is a string: unmarked, each turn is paid for in full.
        steps = [call["json"] for call in repository.fake.calls if call["json"].get("tools")]
        for step in steps:
            assert "cache_control" in step["system"][0], step["system"]
            assert "cache_control" in step["messages"][-1]["content"][-1], step["messages"][-1]
