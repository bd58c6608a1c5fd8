"""The fake upstream as a test sees it: what to answer, and what was asked of it.

Money is checked with one usage for every provider, so that its cost is a figure that a reader
can work out from the catalogue's prices.
"""

import json
import os
import urllib.request

USAGE = {"prompt": 1000, "completion": 100, "cached": 0}
# One model for each kind of upstream, and what USAGE costs there in USD.
MODELS = {
    "mistral": "codestral-latest",
    "openai": "gpt-4.1",
    "anthropic": "claude-haiku-4-5",
    "lab": "lab-coder",
}
COST = {"mistral": 0.00039, "openai": 0.0028, "anthropic": 0.0015, "lab": 0.0012}
PATHS = {"mistral": "/mistral/", "openai": "/openai/", "anthropic": "/anthropic/", "lab": "/openai/"}


def text(said: str) -> dict:
    return {"text": said}


def reasoning(thought: str) -> dict:
    return {"reasoning": thought}


def tool(id: str, name: str, **arguments: object) -> dict:
    return {"tool": {"id": id, "name": name, "arguments": json.dumps(arguments)}}


def answer(*parts: dict, **rest: object) -> dict:
    return {"parts": list(parts), "usage": USAGE} | rest


def status(code: int, **rest: object) -> dict:
    return {"fault": {"status": {"status": code}}} | rest


def recorded(*chunks: dict) -> dict:
    """A stream of chat chunks, byte for byte."""
    frames = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
    return {"recorded": {"content_type": "text/event-stream", "body": "".join([*frames, "data: [DONE]\n\n"])}}


class Fake:
    def __init__(self) -> None:
        self.url = os.environ["FAKE_URL"]

    def script(self, *answers: dict) -> None:
        """These answers in turn; the last one for every request after it."""
        rules = [{"when": {"first": 1}, "answer": each} for each in answers[:-1]]
        rules += [{"answer": each} for each in answers[-1:]]
        self._post("/__script", {"rules": rules})

    def reset(self) -> None:
        self._post("/__reset", {})

    def open(self, gate: str, steps: object) -> None:
        """Lets a gated answer go this many frames further; "all" is for good."""
        self._post(f"/__gate?name={gate}&open={steps}", {})

    @property
    def calls(self) -> list[dict]:
        """Every request since the test began, its JSON body under `json`."""
        with urllib.request.urlopen(f"{self.url}/__calls") as answered:
            calls = json.load(answered)
        return [call | {"json": json.loads(call["body"] or "null")} for call in calls]

    @property
    def last(self) -> dict:
        return self.calls[-1]

    def _post(self, path: str, body: dict) -> None:
        data = json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method="POST")
        urllib.request.urlopen(request).close()
