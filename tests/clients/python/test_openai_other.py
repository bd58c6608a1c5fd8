"""OpenAI's SDK at completions (with a suffix: fill-in-the-middle), embeddings and models."""

import openai
import pytest
from stage.fake import MODELS, answer, text

FIM = {"prompt": "def add(a, b):\n", "suffix": "\nprint(add(1, 2))", "max_tokens": 20, "seed": 3}
FIM_MODELS = {"mistral": "codestral-latest", "lab": "lab-coder"}
FIM_COST = {"mistral": 0.00039, "lab": 0.0012}


@pytest.fixture
def client(url, key):
    return openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)


@pytest.mark.parametrize("provider", FIM_MODELS)
def test_fill_in(client, fake, provider):
    fake.script(answer(text("    return a + b\n")))
    done = client.completions.create(model=FIM_MODELS[provider], **FIM)
    assert (done.object, done.choices[0].text) == ("text_completion", "    return a + b\n")
    assert done.usage.cost == FIM_COST[provider]
    sent = fake.last["json"]
    assert (sent["prompt"], sent["suffix"]) == (FIM["prompt"], FIM["suffix"])
    assert sent["random_seed" if provider == "mistral" else "seed"] == 3


@pytest.mark.parametrize("provider", FIM_MODELS)
def test_fill_in_streamed(client, fake, provider):
    fake.script(answer(text("    return a + b\n")))
    chunks = list(client.completions.create(model=FIM_MODELS[provider], stream=True, **FIM))
    choices = [choice for chunk in chunks for choice in chunk.choices]
    assert "".join(choice.text for choice in choices) == "    return a + b\n"
    assert [choice.finish_reason for choice in choices if choice.finish_reason] == ["stop"]
    assert {chunk.object for chunk in chunks} == {"text_completion"}


def test_a_model_that_cannot_fill_in_is_refused(client, fake):
    with pytest.raises(openai.BadRequestError, match="codestral-latest"):
        client.completions.create(model=MODELS["anthropic"], **FIM)
    assert fake.calls == []


@pytest.mark.parametrize("model", ["text-embedding-3-small", "codestral-embed"])
@pytest.mark.parametrize("format", [{}, {"encoding_format": "float"}])
def test_embeddings(client, fake, model, format):
    done = client.embeddings.create(model=model, input=["one", "two"], **format)
    assert [each.index for each in done.data] == [0, 1]
    assert all(isinstance(number, float) for each in done.data for number in each.embedding)
    assert done.data[0].embedding != done.data[1].embedding
    assert done.usage.cost > 0


def test_models(client):
    ids = [model.id for model in client.models.list()]
    expected = ["codestral-latest", "gpt-4.1", "claude-haiku-4-5", "lab-coder", "codestral-embed", "codestral/codestral-latest"]
    assert set(expected) <= set(ids)
    assert len(ids) == len(set(ids))
    one = client.models.retrieve("codestral-latest")
    assert (one.id, one.object) == ("codestral-latest", "model")
    assert client.models.retrieve("codestral/codestral-latest").id == "codestral/codestral-latest"
    assert client.models.retrieve("lab-coder").id == "lab-coder"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("no-such-model")
