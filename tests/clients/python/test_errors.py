"""Failures come out as the exception that each SDK has for them."""

import anthropic
import openai
import pytest
from mistralai.client import Mistral
from mistralai.client.errors import SDKError
from stage.fake import answer, status, text

MODELS = ["codestral-latest", "claude-haiku-4-5", "gpt-4.1"]


def user(said):
    return [{"role": "user", "content": said}]


@pytest.fixture
def call(url, key):
    """A call by the SDK's name: `call(sdk, model, stream=False, key=key, said="Hello")`."""

    def by_openai(model, stream, key, said):
        client = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)
        return client.chat.completions.create(model=model, messages=user(said), stream=stream)

    def by_responses(model, stream, key, said):
        client = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)
        return client.responses.create(model=model, input=said, stream=stream, store=False)

    def by_anthropic(model, stream, key, said):
        client = anthropic.Anthropic(base_url=url, api_key=key, max_retries=0)
        return client.messages.create(model=model, messages=user(said), max_tokens=99, stream=stream)

    def by_mistral(model, stream, key, said):
        client = Mistral(api_key=key, server_url=url)
        if not stream:
            return client.chat.complete(model=model, messages=user(said))
        return client.chat.stream(model=model, messages=user(said))

    ways = {"openai": by_openai, "responses": by_responses, "anthropic": by_anthropic, "mistral": by_mistral}
    return lambda sdk, model, stream=False, key=key, said="Hello": ways[sdk](model, stream, key, said)


def of_status(sdk, code):
    """The exception class of a status, and of Mistral the only one that there is."""
    if sdk == "mistral":
        return SDKError
    module = anthropic if sdk == "anthropic" else openai
    names = {400: "BadRequestError", 401: "AuthenticationError", 404: "NotFoundError", 429: "RateLimitError"}
    return getattr(module, names.get(code, "APIStatusError" if code < 500 else "InternalServerError"))


def too_many(model):
    """A rate limit. (Mistral's usual 429 speaks of capacity: that is an overload.)"""
    body = {"body": "mistral_rate"} if model == "codestral-latest" else {}
    return {"fault": {"status": {"status": 429} | body}, "headers": [["retry-after", "7"]]}


SDKS = ["openai", "responses", "anthropic", "mistral"]
every_sdk = pytest.mark.parametrize("sdk", SDKS)


@every_sdk
def test_401_a_wrong_key(call, fake, sdk):
    with pytest.raises(of_status(sdk, 401)) as raised:
        call(sdk, "codestral-latest", key="sk-vane-nobody-nothing")
    assert raised.value.status_code == 401
    assert fake.calls == []


@every_sdk
def test_404_names_near_ids(call, fake, sdk):
    with pytest.raises(of_status(sdk, 404), match="codestral-latest") as raised:
        call(sdk, "codestral-lates")
    assert raised.value.status_code == 404
    assert fake.calls == []


@every_sdk
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("stream", [False, True])
def test_400_from_upstream(call, fake, sdk, model, stream):
    fake.script(status(400))
    with pytest.raises(of_status(sdk, 400)) as raised:
        call(sdk, model, stream)
    assert raised.value.status_code == 400
    assert len(fake.calls) == 1


@every_sdk
@pytest.mark.parametrize("model", MODELS)
def test_429_says_when_to_come_back(call, fake, sdk, model):
    fake.script(too_many(model))
    with pytest.raises(of_status(sdk, 429)) as raised:
        call(sdk, model)
    assert headers_of(raised.value)["retry-after"] == "7"


@every_sdk
def test_413_a_body_too_large(call, fake, sdk):
    with pytest.raises(of_status(sdk, 413)) as raised:
        call(sdk, "codestral-latest", said="x" * 1_100_000)
    assert raised.value.status_code == 413
    assert fake.calls == []


@every_sdk
@pytest.mark.parametrize("model", MODELS)
def test_5xx_from_upstream(call, fake, sdk, model):
    fake.script(status(500))
    with pytest.raises(of_status(sdk, 500)) as raised:
        call(sdk, model)
    assert raised.value.status_code >= 500


@every_sdk
@pytest.mark.parametrize("model", MODELS)
def test_a_failure_before_content_is_retried_out_of_sight(call, fake, sdk, model):
    fake.script(status(503), answer(text("Good day.")))
    assert call(sdk, model)
    assert len(fake.calls) == 2


def read_past(fake, fault, call, sdk, model):
    """The events of a stream that fails, surely after the client has had its first content."""
    said = text("Good day to you and to everybody else in this house, and good night as well.")
    fake.script(answer(said, fault=fault, gate="content"))
    fake.open("content", 5)
    events = []
    for event in call(sdk, model, stream=True):
        fake.open("content", "all")
        events.append(event)
    return events


@pytest.mark.parametrize("sdk", ["openai", "responses", "anthropic"])
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("fault", [{"error_after": 6}, {"truncate": {"frames": 6}}], ids=["error", "cut"])
def test_a_failure_in_mid_stream_is_no_clean_end(call, fake, sdk, model, fault):
    if sdk == "responses":
        last = read_past(fake, fault, call, sdk, model)[-1]
        assert last.type in ("response.failed", "error")
    else:
        module = anthropic if sdk == "anthropic" else openai
        with pytest.raises(module.APIError):
            read_past(fake, fault, call, sdk, model)


def headers_of(error):
    return error.headers if hasattr(error, "headers") else error.response.headers
