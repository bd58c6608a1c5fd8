// The fake upstream as a test sees it: what to answer, and what was asked of it.
// The twin of stage/fake.py, with the same models and money.

export const { FAKE_URL, VANE_URL, VANE_API_KEY } = process.env;
const USAGE = { prompt: 1000, completion: 100, cached: 0 };
export const MODELS = {
  mistral: "codestral-latest",
  openai: "gpt-4.1",
  anthropic: "claude-haiku-4-5",
  lab: "lab-coder",
};
export const COST = { mistral: 0.00039, openai: 0.0028, anthropic: 0.0015, lab: 0.0012 };
export const PATHS = { mistral: "/mistral/", openai: "/openai/", anthropic: "/anthropic/", lab: "/openai/" };
export const HELLO = [{ role: "user", content: "Hello" }];
export const CITY = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};

export const text = (said) => ({ text: said });
export const reasoning = (thought) => ({ reasoning: thought });
export const tool = (id, name, args) => ({ tool: { id, name, arguments: JSON.stringify(args) } });
export const answer = (...parts) => ({ parts, usage: USAGE });
export const status = (code, rest = {}) => ({ fault: { status: { status: code } }, ...rest });
export const TWO_CALLS = [
  tool("callpari1", "weather", { city: "Paris" }),
  tool("callrome2", "weather", { city: "Rome" }),
];

export class Fake {
  /** These answers in turn, the last one for every request after it; what was asked is forgotten. */
  async script(...answers) {
    await this.#post("/__reset", {});
    const rules = answers.map((each, at) => (at < answers.length - 1 ? { when: { first: 1 }, answer: each } : { answer: each }));
    await this.#post("/__script", { rules });
  }

  /** Lets a gated answer go this many frames further; "all" is for good. */
  open(gate, steps) {
    return this.#post(`/__gate?name=${gate}&open=${steps}`, {});
  }

  async calls() {
    const calls = await (await fetch(`${FAKE_URL}/__calls`)).json();
    return calls.map((call) => ({ ...call, json: call.body ? JSON.parse(call.body) : null }));
  }

  async last() {
    return (await this.calls()).at(-1);
  }

  async #post(path, body) {
    const answered = await fetch(FAKE_URL + path, { method: "POST", body: JSON.stringify(body) });
    if (!answered.ok) throw new Error(await answered.text());
  }
}

/** All items of an async iterable. */
export async function collect(stream) {
  const items = [];
  for await (const item of stream) items.push(item);
  return items;
}
