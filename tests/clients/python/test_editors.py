"""Editors and agents that bring no SDK: the shapes of their requests, and what they read."""

import concurrent.futures
import json

import httpx
import pytest
from stage.fake import answer, text, tool

PARTS = {"prompt": "def add(a, b):\n", "suffix": "\nprint(add(1, 2))"}
FIM_MODELS = ["codestral-latest", "lab-coder"]
fim_models = pytest.mark.parametrize("model", FIM_MODELS)


@pytest.fixture
def post(url, key):
    def post(path, body, **headers):
        headers = {"authorization": f"Bearer {key}"} | headers
        answered = httpx.post(url + path, json=body, headers=headers, timeout=30)
        assert answered.status_code == 200, answered.text
        return events(answered.text) if body.get("stream") else answered.json()

    return post


def events(body):
    lines = [line.removeprefix("data:").strip() for line in body.splitlines() if line.startswith("data:")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


@fim_models
def test_zed_wants_every_field(post, fake, model):
    fake.script(answer(text("    return a + b\n")))
    ask = {"model": model, "max_tokens": 150, "stream": False, "stop": None, "random_seed": None, "min_tokens": None}
    said = post("/v1/fim/completions", ask | PARTS)
    assert all(said[field] is not None for field in ("id", "object", "model", "created", "choices", "usage"))
    assert all(said["usage"][field] is not None for field in ("prompt_tokens", "completion_tokens", "total_tokens"))
    choice = said["choices"][0]
    assert (choice["index"], choice["message"]["role"], choice["finish_reason"]) == (0, "assistant", "stop")


@fim_models
def test_tabby_wants_text_in_every_chunk(post, fake, model):
    fake.script(answer(text("    return a + b\n")))
    chunks = post("/v1/fim/completions", {"model": model, "stream": True, "max_tokens": 64} | PARTS)
    assert all(isinstance(chunk["choices"][0]["delta"]["content"], str) for chunk in chunks)
    assert chunks[-1]["usage"]["cost"] > 0


@fim_models
def test_twinny_and_others_stream_completions(post, fake, model):
    fake.script(answer(text("    return a + b\n")))
    chunks = post("/v1/completions", {"model": model, "stream": True, "max_tokens": 64} | PARTS)
    assert "".join(choice["text"] for chunk in chunks for choice in chunk["choices"]) == "    return a + b\n"


@pytest.mark.xfail(strict=True, reason="there is no /infill door yet")
@fim_models
def test_llama_vim_fills_in(post, fake, model):
    fake.script(answer(text("    return a + b\n")))
    ask = {
        "model": model,
        "input_prefix": PARTS["prompt"],
        "input_suffix": PARTS["suffix"],
        "input_extra": [],
        "prompt": "    ",
        "n_predict": 64,
        "stream": False,
        "samplers": ["top_k", "top_p", "infill"],
        "cache_prompt": True,
        "t_max_predict_ms": 500,
    }
    said = post("/infill", ask)
    assert said["content"] == "    return a + b\n"
    assert fake.last["json"]["suffix"] == PARTS["suffix"]


def test_minuet_asks_the_same_at_once(post, fake):
    fake.script(answer(text("    return a + b\n")))
    ask = {"model": "codestral-latest", "stream": True, "max_tokens": 64} | PARTS
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: post("/v1/fim/completions", ask), range(3)))
    for chunks in answers:
        assert "".join(chunk["choices"][0]["delta"]["content"] for chunk in chunks) == "    return a + b\n"


@pytest.mark.parametrize("model", ["codestral-latest", "claude-haiku-4-5"])
def test_continue_sends_its_key_twice(post, fake, key, model):
    ask = {"model": model, "max_tokens": 99, "messages": [{"role": "user", "content": "Hello"}]}
    assert post("/v1/messages", ask, **{"x-api-key": key, "anthropic-version": "2023-06-01"})["content"]


def test_two_different_keys_are_one_too_many(url, key):
    headers = {"authorization": f"Bearer {key}", "x-api-key": "sk-vane-another"}
    assert httpx.post(f"{url}/v1/messages", json={}, headers=headers).status_code == 401


@pytest.mark.parametrize("model", ["codestral-latest", "claude-haiku-4-5", "gpt-4.1"])
def test_qwen_code_and_copilot_history(post, fake, model):
    fake.script(answer(text("Fine.")))
    call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Paris"}'}}
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "The weather?"}]},
        {"role": "assistant", "content": None, "refusal": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "sunny"}]},
    ]
    tools = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
    said = post("/v1/chat/completions", {"model": model, "messages": messages, "tools": tools})
    assert said["choices"][0]["message"]["content"] == "Fine."
    assert "sunny" in fake.last["body"]


@pytest.mark.parametrize("model", ["codestral-latest", "claude-haiku-4-5"])
def test_every_tool_delta_is_whole_enough(post, fake, model):
    """openai-node throws without a type, Mistral's SDKs without a name, others without an index."""
    fake.script(answer(tool("callpari1", "weather", city="Paris"), shape={"untyped_calls": True}))
    tools = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
    ask = {"model": model, "messages": [{"role": "user", "content": "Hello"}], "tools": tools, "stream": True}
    chunks = post("/v1/chat/completions", ask)
    assert all("finish_reason" in choice for chunk in chunks for choice in chunk["choices"])
    first = next(choice["delta"]["tool_calls"][0] for chunk in chunks for choice in chunk["choices"] if choice["delta"].get("tool_calls"))
    assert (first["index"], first["type"], first["function"]["name"]) == (0, "function", "weather")
    assert first["id"]


def test_a_base_url_with_v1_twice(post):
    ask = {"model": "codestral-latest", "messages": [{"role": "user", "content": "Hello"}]}
    assert post("/v1/v1/chat/completions", ask)["choices"]


def test_probes_are_answered_with_json(url):
    assert httpx.head(url + "/").status_code == 200
    answered = httpx.post(f"{url}/v1/no/such/route", json={})
    assert answered.status_code == 404 and answered.json()["error"]["message"]
