"""Qwen Code edits a file through Vane as the documentation sets it up."""

import pytest
from conftest import BIN
from stage import recipes
from stage.fake import tool

PAGE = recipes.first("qwen-code")
# With the other kind, as the page says, the variables begin otherwise and the address is the origin.
ANTHROPIC = {
    "OPENAI_BASE_URL=http://127.0.0.1:8787/v1": "ANTHROPIC_BASE_URL=http://127.0.0.1:8787",
    "OPENAI_API_KEY": "ANTHROPIC_API_KEY",
    "OPENAI_MODEL": "ANTHROPIC_MODEL",
    "--auth-type openai": "--auth-type anthropic",
}
WAYS = {"codestral-latest": PAGE, "claude-haiku-4-5": PAGE, "lab-coder": PAGE.replaced(ANTHROPIC)}


@pytest.mark.parametrize("model", WAYS)
def test_a_file_is_edited(repository, read_and_edit, model):
    file = str(repository.file)
    read_and_edit(
        tool("readfile1", "read_file", file_path=file),
        tool("editfile2", "edit", file_path=file, old_string="a - b", new_string="a + b"),
    )
    recipe = WAYS[model].of_model(model)
    done = repository.follow(recipe, "qwen", BIN / "qwen", after="--yolo -p 'Fix add.py'")
    repository.expect(done, model)
