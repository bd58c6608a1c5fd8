"""LiteLLM as a client, with the two calls of its Codestral page, and the same two by plain HTTP.

LiteLLM strips its prefix and sends the bare id. Fill-ins are streamed by its asynchronous call:
the synchronous one never asks for a stream, whatever the server.
"""

import asyncio
import json

import httpx
import litellm
import pytest
from stage.fake import answer, text

FIM_ID, CHAT_ID = "text-completion-codestral/codestral-2405", "codestral/codestral-latest"
FIM = {
    "prompt": "def is_odd(n): \n return n % 2 == 1 \ndef test_is_odd():",
    "suffix": "return True",
    "temperature": 0,
    "top_p": 1,
    "max_tokens": 10,
    "min_tokens": 10,
    "seed": 10,
    "stop": ["return"],
}
CHAT = {
    "messages": [{"role": "user", "content": "hello from litellm"}],
    "temperature": 0.0,
    "top_p": 1,
    "max_tokens": 10,
    "safe_prompt": False,
    "seed": 12,
}


@pytest.fixture(autouse=True)
def environment(monkeypatch, key):
    monkeypatch.setenv("CODESTRAL_API_KEY", key)
    litellm.num_retries = 0


@pytest.fixture
def post(url, key):
    def post(path, model, body, stream):
        headers = {"authorization": f"Bearer {key}"}
        body = {"model": model, "stream": stream} | body
        answered = httpx.post(f"{url}{path}", json=body, headers=headers, timeout=30)
        assert answered.status_code == 200, answered.text
        return events(answered.text) if stream else answered.json()

    return post


def events(body):
    lines = [line.removeprefix("data:").strip() for line in body.splitlines() if line.startswith("data:")]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


def assert_fim_went_up(fake):
    sent = fake.last["json"]
    assert (fake.last["path"], sent["model"]) == ("/mistral/v1/fim/completions", "codestral-2405")
    assert (sent["prompt"], sent["suffix"]) == (FIM["prompt"], FIM["suffix"])
    assert (sent["min_tokens"], sent["random_seed"], sent["stop"]) == (10, 10, ["return"])


def assert_chat_went_up(fake):
    sent = fake.last["json"]
    assert (fake.last["path"], sent["model"]) == ("/mistral/v1/chat/completions", "codestral-latest")
    assert (sent["random_seed"], sent["max_tokens"], sent["safe_prompt"]) == (12, 10, False)


def test_litellm_fill_in(url, fake):
    fake.script(answer(text(" assert is_odd(1)")))
    base = f"{url}/v1/fim/completions"  # LiteLLM posts to its api_base exactly as given
    said = litellm.text_completion(model=FIM_ID, api_base=base, **FIM)
    assert said.choices[0].text == " assert is_odd(1)"
    assert_fim_went_up(fake)


def test_litellm_fill_in_streamed(url, fake):
    async def complete():
        base = f"{url}/v1/fim/completions"
        stream = await litellm.atext_completion(model=FIM_ID, api_base=base, stream=True, **FIM)
        return [choice.text or "" async for chunk in stream for choice in chunk.choices]

    fake.script(answer(text(" assert is_odd(1)")))
    assert "".join(asyncio.run(complete())) == " assert is_odd(1)"
    assert_fim_went_up(fake)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("by_variable", [False, True])
def test_litellm_chat(url, fake, monkeypatch, stream, by_variable):
    fake.script(answer(text("Good day.")))
    base = {} if by_variable else {"api_base": f"{url}/v1"}
    if by_variable:
        monkeypatch.setenv("CODESTRAL_API_BASE", f"{url}/v1")
    said = litellm.completion(model=CHAT_ID, stream=stream, **base, **CHAT)
    pieces = [chunk.choices[0].delta.content or "" for chunk in said] if stream else [said.choices[0].message.content]
    assert "".join(pieces) == "Good day."
    assert fake.last["json"]["model"] == "codestral-latest"


@pytest.mark.parametrize("provider", ["openai/claude-haiku-4-5", "anthropic/codestral-latest", "mistral/codestral-latest"])
def test_litellm_other_providers(url, key, fake, provider):
    fake.script(answer(text("Good day.")))
    base = url if provider.startswith("anthropic") else f"{url}/v1"
    hello = [{"role": "user", "content": "Hello"}]
    said = litellm.completion(model=provider, api_base=base, api_key=key, messages=hello, max_tokens=99)
    assert said.choices[0].message.content == "Good day."


@pytest.mark.parametrize("stream", [False, True])
def test_plain_fill_in(post, fake, stream):
    fake.script(answer(text(" assert is_odd(1)")))
    said = post("/v1/completions", FIM_ID, FIM, stream)
    chunks = said if stream else [said]
    assert {chunk["object"] for chunk in chunks} == {"text_completion"}
    assert "".join(choice["text"] for chunk in chunks for choice in chunk["choices"]) == " assert is_odd(1)"
    assert_fim_went_up(fake)


@pytest.mark.parametrize("stream", [False, True])
def test_plain_chat(post, fake, stream):
    fake.script(answer(text("Good day.")))
    said = post("/v1/chat/completions", CHAT_ID, CHAT, stream)
    chunks = said if stream else [said]
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk" if stream else "chat.completion"}
    part = "delta" if stream else "message"
    assert "".join(choice[part].get("content") or "" for chunk in chunks for choice in chunk["choices"]) == "Good day."
    assert_chat_went_up(fake)
