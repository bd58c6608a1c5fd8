"""Continue's CLI edits a file through Vane as the documentation sets it up; its editor extensions read the same file."""

import pytest
from conftest import BIN
from stage import recipes
from stage.fake import tool

PAGES = recipes.of("continue")
PAGE = PAGES[0]
OPENAI, ANTHROPIC = ({"provider: mistral": f"provider: {kind}"} for kind in ("openai", "anthropic"))
WAYS = [(PAGE, "lab-coder"), (PAGE.replaced(OPENAI), "claude-haiku-4-5"), (PAGE.replaced(ANTHROPIC), "codestral-latest")]
# It does not know by these names that they call tools.
TOOLS = {"roles: [autocomplete, chat]": "roles: [chat]\n    capabilities: [tool_use]"}


def edited(repository, read_and_edit, recipe, model):
    file = str(repository.file)
    change = {"old_string": "a - b", "new_string": "a + b"}
    edit = tool("editfile2", "Edit", file_path=file, **change)
    if model.startswith("claude"):
        # It gives such models another tool.
        edit = tool("editfile2", "MultiEdit", file_path=file, edits=[change])
    read_and_edit(tool("readfile1", "Read", filepath=file), edit)
    config = repository.home / ".continue/config.yaml"
    after = f"--config '{config}' --auto -p 'Fix add.py'"
    env = {"CONTINUE_TELEMETRY_ENABLED": "0", "CONTINUE_GLOBAL_DIR": str(config.parent)}
    return repository.follow(recipe, "cn", BIN / "cn", after=after, **env)


@pytest.mark.parametrize(("recipe", "model"), WAYS)
def test_a_file_is_edited(repository, read_and_edit, recipe, model):
    done = edited(repository, read_and_edit, recipe.replaced(TOOLS).of_model(model), model)
    repository.expect(done, model)


@pytest.mark.parametrize("recipe", PAGES, ids=str)
def test_what_a_page_says_works_as_it_stands_there(repository, read_and_edit, recipe):
    done = edited(repository, read_and_edit, recipe, "codestral-latest")
    repository.expect(done, "codestral-latest")
