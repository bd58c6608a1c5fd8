"""GitHub Copilot's CLI edits a file through Vane as the documentation sets it up, by each of the APIs that it speaks."""

import pytest
from conftest import BIN
from stage import recipes
from stage.fake import tool

PAGE = recipes.first("copilot")
# As the page says of them.
RESPONSES = {"export COPILOT_PROVIDER_TYPE": "export COPILOT_PROVIDER_WIRE_API=responses COPILOT_PROVIDER_TYPE"}
ANTHROPIC = {"http://127.0.0.1:8787/v1": "http://127.0.0.1:8787", "COPILOT_PROVIDER_TYPE=openai": "COPILOT_PROVIDER_TYPE=anthropic"}
WAYS = [
    ({}, "codestral-latest"),
    (RESPONSES, "codestral-latest"),
    (RESPONSES, "claude-haiku-4-5"),
    (RESPONSES, "gpt-5"),
    (ANTHROPIC, "lab-coder"),
]


@pytest.mark.parametrize(("changes", "model"), WAYS)
def test_a_file_is_edited(repository, read_and_edit, changes, model):
    file = str(repository.file)
    read_and_edit(
        tool("readfile1", "view", path=file),
        tool("editfile2", "edit", path=file, old_str="a - b", new_str="a + b"),
    )
    recipe = PAGE.replaced(changes).of_model(model)
    after = "--allow-all-tools --allow-all-paths -p 'Fix add.py'"
    done = repository.follow(recipe, "copilot", BIN / "copilot", after=after, COPILOT_OFFLINE="true")
    repository.expect(done, model)
