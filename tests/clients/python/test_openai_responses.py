"""OpenAI's SDK at /v1/responses, in front of every kind of upstream."""

import openai
import pytest
from pydantic import BaseModel
from stage.fake import COST, MODELS, PATHS, answer, reasoning, text, tool

WEATHER = {
    "type": "function",
    "name": "weather",
    "description": "The weather of a city.",
    "strict": False,
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
everywhere = pytest.mark.parametrize("provider", MODELS)


@pytest.fixture
def client(url, key):
    return openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)


@everywhere
def test_response(client, fake, provider):
    fake.script(answer(text("Good day.")))
    done = client.responses.create(model=MODELS[provider], instructions="Be brief.", input="Hello", store=False)
    assert (done.output_text, done.status) == ("Good day.", "completed")
    assert (done.usage.input_tokens, done.usage.output_tokens) == (1000, 100)
    assert done.usage.cost == COST[provider]
    assert fake.last["path"].startswith(PATHS[provider])
    assert "Be brief." in fake.last["body"]


@everywhere
def test_streamed_response(client, fake, provider):
    fake.script(answer(text("Good day to you.")))
    events = list(client.responses.create(model=MODELS[provider], input="Hello", stream=True, store=False))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert "".join(deltas) == "Good day to you."
    assert (events[0].type, events[-1].type) == ("response.created", "response.completed")
    assert events[-1].response.output_text == "Good day to you."
    assert events[-1].response.usage.cost == COST[provider]


@everywhere
@pytest.mark.parametrize("stream", [False, True])
def test_function_calls_and_their_outputs(client, fake, provider, stream):
    calls = (tool("callpari1", "weather", city="Paris"), tool("callrome2", "weather", city="Rome"))
    fake.script(answer(*calls), answer(text("Both are fine.")))
    ask = {"model": MODELS[provider], "tools": [WEATHER], "store": False}
    history = [{"role": "user", "content": "The weather in Paris and Rome?"}]
    first = respond(client, stream, input=history, **ask)
    called = [item for item in first.output if item.type == "function_call"]
    assert [call.arguments.replace(" ", "") for call in called] == ['{"city":"Paris"}', '{"city":"Rome"}']
    outputs = [{"type": "function_call_output", "call_id": call.call_id, "output": f"sunny {call.call_id}"} for call in called]
    history += [item.model_dump(exclude_none=True) for item in first.output] + outputs
    assert respond(client, stream, input=history, **ask).output_text == "Both are fine."
    assert all(output["output"] in fake.last["body"] for output in outputs)


class Place(BaseModel):
    city: str
    people: int


@everywhere
def test_parse(client, fake, provider):
    fake.script(answer(text('{"city": "Oslo", "people": 7}')))
    done = client.responses.parse(model=MODELS[provider], input="Where?", text_format=Place, store=False)
    assert done.output_parsed == Place(city="Oslo", people=7)
    assert '"required":["city","people"]' in fake.last["body"].replace(" ", "")


@pytest.mark.parametrize("model", ["magistral-medium-latest", "claude-haiku-4-5", "gpt-5"])
@pytest.mark.parametrize("stream", [False, True])
def test_sealed_reasoning_goes_back_to_who_made_it(client, fake, model, stream):
    fake.script(answer(reasoning("Hm, let me think."), tool("callpari1", "weather", city="Paris")), answer(text("Fine.")))
    ask = {"model": model, "tools": [WEATHER], "store": False, "include": ["reasoning.encrypted_content"]}
    ask["reasoning"] = {"effort": "high", "summary": "auto"}
    history = [{"role": "user", "content": "The weather in Paris?"}]
    first = respond(client, stream, input=history, **ask)
    thought = next(item for item in first.output if item.type == "reasoning")
    called = next(item for item in first.output if item.type == "function_call")
    assert thought.encrypted_content
    history += [item.model_dump(exclude_none=True) for item in first.output]
    history += [{"type": "function_call_output", "call_id": called.call_id, "output": "sunny"}]
    assert respond(client, stream, input=history, **ask).output_text == "Fine."
    assert "let me think" in fake.last["body"]


def test_input_tokens(client):
    counted = client.responses.input_tokens.count(model="codestral-latest", input="Hello there, how are you?")
    assert 0 < counted.input_tokens < 100


def respond(client, stream, **ask):
    if not stream:
        return client.responses.create(**ask)
    with client.responses.stream(**ask) as events:
        return events.get_final_response()
