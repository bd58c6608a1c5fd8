"""The `llm` command, given Vane as an extra OpenAI model."""

import json
import os
import pathlib
import subprocess
import sys

import pytest
from stage.fake import MODELS, answer, text


@pytest.mark.parametrize("provider", ["mistral", "anthropic"])
@pytest.mark.parametrize("stream", [[], ["--no-stream"]])
def test_prompt(url, key, fake, tmp_path, provider, stream):
    model = {"model_id": "vane", "model_name": MODELS[provider], "api_base": f"{url}/v1", "api_key_name": "vane"}
    # JSON is YAML.
    (tmp_path / "extra-openai-models.yaml").write_text(json.dumps([model]))
    fake.script(answer(text("Good day.")))
    command = [pathlib.Path(sys.executable).parent / "llm", "-m", "vane", "--key", key, *stream, "Hello"]
    done = subprocess.run(command, env=os.environ | {"LLM_USER_PATH": str(tmp_path)}, capture_output=True, text=True)
    assert (done.stdout.strip(), done.returncode) == ("Good day.", 0), done.stderr
    assert fake.last["json"]["messages"][-1]["role"] == "user"
