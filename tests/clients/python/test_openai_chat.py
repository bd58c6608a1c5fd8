"""OpenAI's SDK at /v1/chat/completions, in front of every kind of upstream."""

import base64

import openai
import pytest
from pydantic import BaseModel
from stage.fake import COST, MODELS, PATHS, answer, reasoning, recorded, text, tool

HELLO = [{"role": "user", "content": "Hello"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\npixel").decode()

everywhere = pytest.mark.parametrize("provider", MODELS)


@pytest.fixture
def client(url, key):
    return openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)


@everywhere
def test_chat(client, fake, provider):
    fake.script(answer(text("Good day.")))
    said = client.chat.completions.create(model=MODELS[provider], messages=HELLO, max_completion_tokens=50)
    choice = said.choices[0]
    assert (choice.message.role, choice.message.content, choice.finish_reason) == ("assistant", "Good day.", "stop")
    assert (said.usage.prompt_tokens, said.usage.completion_tokens) == (1000, 100)
    assert said.usage.cost == COST[provider]
    assert fake.last["path"].startswith(PATHS[provider])
    assert said._request_id


@everywhere
@pytest.mark.parametrize("include_usage", [True, False])
def test_stream(client, fake, provider, include_usage):
    fake.script(answer(text("Good day to you.")))
    options = {"stream_options": {"include_usage": True}} if include_usage else {}
    stream = client.chat.completions.create(model=MODELS[provider], messages=HELLO, stream=True, **options)
    chunks = list(stream)
    deltas = [choice.delta.content or "" for chunk in chunks for choice in chunk.choices]
    finishes = [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason]
    assert ("".join(deltas), finishes) == ("Good day to you.", ["stop"])
    assert len({chunk.id for chunk in chunks}) == 1
    bare = [chunk for chunk in chunks if not chunk.choices]
    if include_usage:
        assert [chunk.usage.cost for chunk in bare] == [COST[provider]]
        assert chunks[-1] is bare[0]
    else:
        assert not bare


@everywhere
def test_parallel_tools_and_their_results(client, fake, provider):
    calls = (tool("callpari1", "weather", city="Paris"), tool("callrome2", "weather", city="Rome"))
    fake.script(answer(*calls), answer(text("Both are fine.")))
    asked = [{"role": "user", "content": "The weather in Paris and Rome?"}]
    ask = {"model": MODELS[provider], "tools": [WEATHER], "tool_choice": "required", "parallel_tool_calls": True}
    first = client.chat.completions.create(messages=asked, **ask)
    assert first.choices[0].finish_reason == "tool_calls"
    called = first.choices[0].message.tool_calls
    assert [call.function.arguments.replace(" ", "") for call in called] == ['{"city":"Paris"}', '{"city":"Rome"}']
    assert len({call.id for call in called}) == 2
    results = [{"role": "tool", "tool_call_id": call.id, "content": f"sunny {call.id}"} for call in called]
    history = [*asked, first.choices[0].message.model_dump(exclude_none=True), *results]
    second = client.chat.completions.create(messages=history, **ask | {"tool_choice": "auto"})
    assert second.choices[0].message.content == "Both are fine."
    assert all(result["content"] in fake.last["body"] for result in results)


def test_streamed_tools_that_the_server_does_not_number(client, fake):
    """As Google's layer for OpenAI's clients streams them."""
    def chunk(nth, city, **rest):
        call = {"function": {"arguments": f'{{"city":"{city}"}}', "name": "weather"}, "id": f"function-call-{nth}", "type": "function"}
        choice = {"delta": {"role": "assistant", "tool_calls": [call]}, "index": 0} | rest
        return {"choices": [choice], "created": 1, "id": "a", "model": "m", "object": "chat.completion.chunk"}

    fake.script(recorded(chunk(1, "Paris"), chunk(2, "Rome", finish_reason="stop")))
    ask = {"model": "lab-coder", "messages": HELLO, "tools": [WEATHER]}
    with client.chat.completions.stream(**ask) as stream:
        said = stream.get_final_completion().choices[0]
    called = [call.function.arguments for call in said.message.tool_calls]
    assert (called, said.finish_reason) == (['{"city":"Paris"}', '{"city":"Rome"}'], "tool_calls")


@everywhere
def test_streamed_tools(client, fake, provider):
    fake.script(answer(text("Let me look."), tool("callpari1", "weather", city="Paris"), tool("callrome2", "weather", city="Rome")))
    ask = {"model": MODELS[provider], "messages": HELLO, "tools": [WEATHER]}
    with client.chat.completions.stream(**ask) as stream:
        done = stream.get_final_completion()
    message = done.choices[0].message
    assert message.content == "Let me look."
    assert [call.function.name for call in message.tool_calls] == ["weather", "weather"]
    assert [call.function.arguments.replace(" ", "") for call in message.tool_calls] == ['{"city":"Paris"}', '{"city":"Rome"}']
    assert done.choices[0].finish_reason == "tool_calls"


class Place(BaseModel):
    city: str
    people: int


@everywhere
def test_parse(client, fake, provider):
    fake.script(answer(text('{"city": "Oslo", "people": 7}')))
    done = client.chat.completions.parse(model=MODELS[provider], messages=HELLO, response_format=Place)
    assert done.choices[0].message.parsed == Place(city="Oslo", people=7)
    sent = fake.last["json"]
    schema = sent["output_config"]["format"] if provider == "anthropic" else sent["response_format"]["json_schema"]
    assert schema["schema"]["required"] == ["city", "people"]


@pytest.mark.parametrize("provider, model", [*MODELS.items(), ("mistral", "mistral-large-latest")][1:])
def test_image(client, fake, provider, model):
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
    content = [{"type": "text", "text": "What is this?"}, image]
    client.chat.completions.create(model=model, messages=[{"role": "user", "content": content}])
    part = fake.last["json"]["messages"][-1]["content"][1]
    if provider == "anthropic":
        assert part["source"] == {"type": "base64", "media_type": "image/png", "data": PIXEL}
    else:
        assert part["type"] == "image_url" and PIXEL in str(part["image_url"])


@pytest.mark.parametrize("model", ["magistral-medium-latest", "claude-haiku-4-5"])
@pytest.mark.parametrize("stream", [False, True])
def test_reasoning(client, fake, model, stream):
    fake.script(answer(reasoning("Hm, let me think."), text("42")))
    said = client.chat.completions.create(model=model, messages=HELLO, reasoning_effort="high", stream=stream)
    if stream:
        pieces = [chunk.choices[0].delta for chunk in said if chunk.choices]
    else:
        pieces = [said.choices[0].message]
    thought = "".join(getattr(piece, "reasoning_content", None) or "" for piece in pieces)
    content = "".join(piece.content or "" for piece in pieces)
    assert (thought, content) == ("Hm, let me think.", "42")
