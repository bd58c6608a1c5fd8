"""The same dialect on both sides: what the client wrote goes up as it was written."""

import httpx
import pytest
from stage.fake import answer, text

SPACED = '{{ "messages" : [ {{"role":"user","content":"H\\u00e9 \\ud83d\\ude00"}} ],\n "model":"{model}" , "max_tokens" :  99 }}'


@pytest.mark.parametrize(
    "path, model",
    [("/v1/chat/completions", "gpt-4.1"), ("/v1/messages", "claude-haiku-4-5")],
)
def test_the_body_is_untouched(url, key, fake, path, model):
    fake.script(answer(text("Good day.")))
    body = SPACED.format(model=model)
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json", "anthropic-version": "2023-06-01"}
    answered = httpx.post(url + path, content=body, headers=headers)
    assert answered.status_code == 200, answered.text
    assert fake.last["body"] == body


def test_nothing_of_the_client_but_its_words_goes_up(url, key, fake):
    fake.script(answer(text("Good day."), headers=[["set-cookie", "a=b"], ["openai-organization", "org-upstream"]]))
    body = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "Hello"}]}
    headers = {"authorization": f"Bearer {key}", "cookie": "session=1", "x-forwarded-for": "10.1.2.3"}
    answered = httpx.post(f"{url}/v1/chat/completions", json=body, headers=headers)
    sent = {name.lower(): value for name, value in fake.last["headers"]}
    assert sent["authorization"] == "Bearer test"
    assert not {"cookie", "x-forwarded-for"} & sent.keys()
    assert not {"set-cookie", "openai-organization"} & answered.headers.keys()
    assert answered.headers["vane-cost"] and answered.headers["vane-provider"] == "openai"
