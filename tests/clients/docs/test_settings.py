"""Settings of an editor that no test can run: they are whole, and lead to doors that answer."""

import json
import os
import urllib.request

import pytest
from stage import blocks, recipes
from stage.fake import answer, text

# The keys that Zed's documentation has, of those that name a provider.
PREDICTIONS = {"provider", "codestral"}
CODESTRAL = {"api_url", "model", "max_tokens"}
PROVIDER = {"api_url", "available_models"}
MODEL = {"name", "display_name", "max_tokens", "max_output_tokens", "max_completion_tokens", "capabilities"}


def asked(url: str, key: str, body: dict) -> dict:
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    request = urllib.request.Request(url.replace(blocks.USUAL, os.environ["VANE_URL"]), json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request) as answered:
        return json.load(answered)


@pytest.mark.parametrize("recipe", recipes.of("zed"), ids=str)
def test_zeds_settings_are_whole_and_lead_to_doors(recipe, fake, key):
    [(_, written)] = recipe.files
    settings = json.loads(written)
    assert settings.keys() == {"edit_predictions", "language_models"}
    predictions = settings["edit_predictions"]
    assert predictions.keys() <= PREDICTIONS and predictions["provider"] == "codestral"
    codestral = predictions["codestral"]
    assert codestral.keys() <= CODESTRAL
    fake.script(answer(text("return a + b")))
    filled = {"model": codestral["model"], "prompt": "def add(a, b):\n", "suffix": "\n", "max_tokens": 50}
    assert asked(codestral["api_url"] + "/v1/fim/completions", key, filled)["choices"][0]["message"]["content"] == "return a + b"
    assert settings["language_models"].keys() == {"openai_compatible"}
    for provider in settings["language_models"]["openai_compatible"].values():
        assert provider.keys() <= PROVIDER
        for model in provider["available_models"]:
            assert model.keys() <= MODEL and model["max_tokens"] > 0
            chat = {"model": model["name"], "messages": [{"role": "user", "content": "Hello"}]}
            assert asked(provider["api_url"] + "/chat/completions", key, chat)["object"] == "chat.completion"


def test_every_part_of_a_recipe_is_of_a_tool_that_is_driven():
    driven = {"claude-code", "codex", "aider", "opencode", "qwen-code", "copilot", "continue", "zed"}
    assert {block.needs[0].split("/")[0] for block in blocks.marked("drive")} == driven
