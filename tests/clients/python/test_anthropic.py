"""Anthropic's SDK at /v1/messages, in front of every kind of upstream."""

import base64
import itertools

import anthropic
import pytest
from pydantic import BaseModel
from stage.fake import COST, MODELS, PATHS, answer, reasoning, text, tool

HELLO = [{"role": "user", "content": "Hello"}]
WEATHER = {
    "name": "weather",
    "description": "The weather of a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\npixel").decode()

everywhere = pytest.mark.parametrize("provider", MODELS)
both_ways = pytest.mark.parametrize("stream", [False, True])


@pytest.fixture
def client(url, key):
    return anthropic.Anthropic(base_url=url, api_key=key, max_retries=0)


def send(client, stream, **ask):
    if not stream:
        return client.messages.create(max_tokens=2048, **ask)
    with client.messages.stream(max_tokens=2048, **ask) as events:
        return events.get_final_message()


@everywhere
@both_ways
def test_message(client, fake, provider, stream):
    fake.script(answer(text("Good day to you.")))
    said = send(client, stream, model=MODELS[provider], system="Be brief.", messages=HELLO)
    assert [(block.type, block.text) for block in said.content] == [("text", "Good day to you.")]
    assert (said.role, said.stop_reason) == ("assistant", "end_turn")
    assert (said.usage.input_tokens, said.usage.output_tokens) == (1000, 100)
    if not stream:
        assert said.usage.cost == COST[provider]
    assert fake.last["path"].startswith(PATHS[provider])
    assert "Be brief." in fake.last["body"]


@everywhere
def test_a_stream_says_its_cost(client, fake, provider):
    fake.script(answer(text("Good day to you.")))
    # The SDK's final message leaves out what it does not know; its events leave out nothing.
    events = client.messages.create(model=MODELS[provider], max_tokens=99, messages=HELLO, stream=True)
    usages = [event.usage for event in events if event.type == "message_delta"]
    assert [usage.cost for usage in usages] == [COST[provider]]


@everywhere
@both_ways
def test_parallel_tools_and_their_results(client, fake, provider, stream):
    calls = (tool("callpari1", "weather", city="Paris"), tool("callrome2", "weather", city="Rome"))
    fake.script(answer(text("Let me look."), *calls), answer(text("Both are fine.")))
    ask = {"model": MODELS[provider], "tools": [WEATHER], "tool_choice": {"type": "auto"}}
    asked = [{"role": "user", "content": "The weather in Paris and Rome?"}]
    first = send(client, stream, messages=asked, **ask)
    assert first.stop_reason == "tool_use"
    assert [block.type for block in first.content] == ["text", "tool_use", "tool_use"]
    called = [block for block in first.content if block.type == "tool_use"]
    assert [call.input for call in called] == [{"city": "Paris"}, {"city": "Rome"}]
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": f"sunny {call.id}"} for call in called]
    reminder = {"type": "text", "text": "Answer now."}
    turns = [*asked, {"role": "assistant", "content": first.content}, {"role": "user", "content": [*results, reminder]}]
    second = send(client, stream, messages=turns, **ask)
    assert second.content[0].text == "Both are fine."
    assert all(result["content"] in fake.last["body"] for result in results)
    assert "Answer now." in fake.last["body"]


@pytest.mark.parametrize("model", ["claude-haiku-4-5", "magistral-medium-latest"])
@both_ways
def test_thinking_returns_unchanged(client, fake, model, stream):
    fake.script(answer(reasoning("Hm, let me think."), tool("callpari1", "weather", city="Paris")), answer(text("Fine.")))
    ask = {"model": model, "tools": [WEATHER], "thinking": {"type": "enabled", "budget_tokens": 1024}}
    asked = [{"role": "user", "content": "The weather in Paris?"}]
    first = send(client, stream, messages=asked, **ask)
    thought, call = first.content
    assert (thought.type, thought.thinking) == ("thinking", "Hm, let me think.")
    assert thought.signature
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}
    turns = [*asked, {"role": "assistant", "content": first.content}, {"role": "user", "content": [result]}]
    assert send(client, stream, messages=turns, **ask).content[0].text == "Fine."
    history = next(turn for turn in fake.last["json"]["messages"] if turn["role"] == "assistant")
    part = history["content"][0]
    assert part["type"] == "thinking" and "let me think" in str(part["thinking"])
    if model.startswith("claude"):
        assert part["signature"] == thought.signature


def test_the_thinking_of_one_provider_never_reaches_another(client, fake):
    fake.script(answer(reasoning("A secret thought."), text("Fine.")))
    ask = {"messages": HELLO, "thinking": {"type": "enabled", "budget_tokens": 1024}}
    first = send(client, False, model="claude-haiku-4-5", **ask)
    turns = [*HELLO, {"role": "assistant", "content": first.content}, {"role": "user", "content": "And now?"}]
    send(client, False, model="codestral-latest", messages=turns)
    assert first.content[0].signature not in fake.last["body"]
    assert "Fine." in fake.last["body"]


@pytest.mark.parametrize("provider, model", [("anthropic", "claude-haiku-4-5"), ("mistral", "mistral-large-latest"), ("openai", "gpt-4.1")])
def test_image(client, fake, provider, model):
    source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    content = [{"type": "image", "source": source}, {"type": "text", "text": "What is this?"}]
    send(client, False, model=model, messages=[{"role": "user", "content": content}])
    part = fake.last["json"]["messages"][-1]["content"][0]
    if provider == "anthropic":
        assert part["source"] == source
    else:
        assert part["type"] == "image_url" and f"data:image/png;base64,{PIXEL}" in str(part["image_url"])


class Place(BaseModel):
    city: str
    people: int


@everywhere
def test_parse(client, fake, provider):
    fake.script(answer(text('{"city": "Oslo", "people": 7}')))
    done = client.messages.parse(model=MODELS[provider], max_tokens=100, messages=HELLO, output_format=Place)
    assert done.parsed_output == Place(city="Oslo", people=7)
    assert '"required":["city","people"]' in fake.last["body"].replace(" ", "")


@pytest.mark.parametrize("provider", ["anthropic", "mistral"])
def test_count_tokens(client, fake, provider):
    counted = client.messages.count_tokens(model=MODELS[provider], messages=HELLO, system="Be brief.")
    assert 0 < counted.input_tokens < 100


def test_models(client):
    ids = [model.id for model in client.models.list(limit=1000)]
    assert set(MODELS.values()) <= set(ids)
    one = client.models.retrieve("claude-haiku-4-5")
    assert (one.type, one.id) == ("model", "claude-haiku-4-5")
    assert one.display_name and one.created_at.year > 2000


def test_models_page_by_page(client):
    whole = [model.id for model in client.models.list(limit=1000)]
    # A list that repeats itself must not keep this test for ever.
    paged = itertools.islice(client.models.list(limit=5), len(whole) + 1)
    assert [model.id for model in paged] == whole


@pytest.mark.parametrize("header", ["x-api-key", "authorization"])
def test_both_ways_to_send_a_key(url, key, fake, header):
    how = {"auth_token": key} if header == "authorization" else {"api_key": "x", "default_headers": {"x-api-key": key, "authorization": anthropic.Omit()}}
    client = anthropic.Anthropic(base_url=url, max_retries=0, **how)
    assert send(client, False, model="codestral-latest", messages=HELLO).content
    assert key not in str(fake.last["headers"])
