"""Mistral's SDK, in front of its own and of other upstreams."""

import pytest
from mistralai.client import Mistral
from pydantic import BaseModel
from stage.fake import COST, MODELS, PATHS, answer, reasoning, text, tool

HELLO = [{"role": "user", "content": "Hello"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
FIM = {"prompt": "def add(a, b):\n", "suffix": "\nprint(add(1, 2))", "max_tokens": 20, "random_seed": 3}

everywhere = pytest.mark.parametrize("provider", MODELS)


# Two doors speak Mistral: the SDK known by its user agent, and one by its path.
@pytest.fixture(params=["", "/mistral"])
def client(url, key, request):
    return Mistral(api_key=key, server_url=url + request.param)


@everywhere
def test_chat(client, fake, provider):
    fake.script(answer(text("Good day.")))
    ask = {"max_tokens": 50, "random_seed": 3, "safe_prompt": False}
    said = client.chat.complete(model=MODELS[provider], messages=HELLO, **ask)
    assert (said.choices[0].message.content, said.choices[0].finish_reason) == ("Good day.", "stop")
    assert (said.usage.prompt_tokens, said.usage.completion_tokens) == (1000, 100)
    assert said.usage.model_dump()["cost"] == COST[provider]
    assert fake.last["path"].startswith(PATHS[provider])


@everywhere
def test_stream(client, fake, provider):
    fake.script(answer(text("Good day to you.")))
    with client.chat.stream(model=MODELS[provider], messages=HELLO) as stream:
        chunks = [event.data for event in stream]
    choices = [choice for chunk in chunks for choice in chunk.choices]
    assert "".join(choice.delta.content or "" for choice in choices) == "Good day to you."
    assert [choice.finish_reason for choice in choices if choice.finish_reason] == ["stop"]
    usage = [chunk.usage for chunk in chunks if chunk.usage]
    assert usage[-1].model_dump()["cost"] == COST[provider]


@everywhere
@pytest.mark.parametrize("stream", [False, True])
def test_parallel_tools_and_their_results(client, fake, provider, stream):
    calls = (tool("callpari1", "weather", city="Paris"), tool("callrome2", "weather", city="Rome"))
    fake.script(answer(*calls), answer(text("Both are fine.")))
    ask = {"model": MODELS[provider], "tools": [WEATHER], "tool_choice": "any"}
    asked = [{"role": "user", "content": "The weather in Paris and Rome?"}]
    called = tool_calls(client, stream, messages=asked, **ask)
    assert [call.function.name for call in called] == ["weather", "weather"]
    results = [{"role": "tool", "tool_call_id": call.id, "name": "weather", "content": f"sunny {call.id}"} for call in called]
    turns = [*asked, {"role": "assistant", "content": "", "tool_calls": called}, *results]
    second = client.chat.complete(messages=turns, **ask | {"tool_choice": "auto"})
    assert second.choices[0].message.content == "Both are fine."
    assert all(result["content"] in fake.last["body"] for result in results)


class Place(BaseModel):
    city: str
    people: int


@everywhere
def test_parse(client, fake, provider):
    fake.script(answer(text('{"city": "Oslo", "people": 7}')))
    done = client.chat.parse(model=MODELS[provider], messages=HELLO, response_format=Place)
    assert done.choices[0].message.parsed == Place(city="Oslo", people=7)
    assert '"required":["city","people"]' in fake.last["body"].replace(" ", "")


@pytest.mark.parametrize("model", ["magistral-medium-latest", "claude-haiku-4-5"])
def test_thinking_is_a_content_part(client, fake, model):
    fake.script(answer(reasoning("Hm, let me think."), text("42")))
    said = client.chat.complete(model=model, messages=HELLO, reasoning_effort="high", max_tokens=4096)
    thought, content = said.choices[0].message.content
    assert (thought.type, content.text) == ("thinking", "42")
    assert "".join(part.text for part in thought.thinking) == "Hm, let me think."


@pytest.mark.parametrize("provider", ["mistral", "lab"])
def test_fill_in(client, fake, provider):
    fake.script(answer(text("    return a + b\n")))
    done = client.fim.complete(model=MODELS[provider], **FIM)
    assert (done.object, done.choices[0].message.content) == ("chat.completion", "    return a + b\n")
    assert done.usage.model_dump()["cost"] == COST[provider]
    sent = fake.last["json"]
    assert (sent["prompt"], sent["suffix"]) == (FIM["prompt"], FIM["suffix"])
    assert sent["random_seed" if provider == "mistral" else "seed"] == 3


@pytest.mark.parametrize("provider", ["mistral", "lab"])
def test_fill_in_streamed(client, fake, provider):
    fake.script(answer(text("    return a + b\n")))
    with client.fim.stream(model=MODELS[provider], **FIM) as stream:
        choices = [choice for event in stream for choice in event.data.choices]
    # Tabby's server wants a string in every chunk.
    assert all(isinstance(choice.delta.content, str) for choice in choices)
    assert "".join(choice.delta.content for choice in choices) == "    return a + b\n"
    assert choices[-1].finish_reason == "stop"


@pytest.mark.parametrize("model", ["codestral-embed", "text-embedding-3-small"])
def test_embeddings(client, fake, model):
    done = client.embeddings.create(model=model, inputs=["one", "two"])
    assert done.id and [each.index for each in done.data] == [0, 1]
    assert all(isinstance(number, float) for each in done.data for number in each.embedding)


def test_models(client):
    cards = {card.id: card for card in client.models.list().data}
    assert set(MODELS.values()) <= set(cards)
    assert cards["codestral-latest"].capabilities.completion_fim
    assert client.models.retrieve(model_id="codestral-latest").id == "codestral-latest"


def tool_calls(client, stream, **ask):
    if not stream:
        return client.chat.complete(**ask).choices[0].message.tool_calls
    with client.chat.stream(**ask) as events:
        deltas = [choice.delta for event in events for choice in event.data.choices]
    return [call for delta in deltas for call in delta.tool_calls or []]
