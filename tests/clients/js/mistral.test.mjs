// Mistral's SDK in JavaScript, in front of its own and of other upstreams.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Mistral } from "@mistralai/mistralai";
import { z } from "zod";

import { answer, CITY, collect, Fake, HELLO, MODELS, PATHS, reasoning, text, TWO_CALLS, VANE_API_KEY, VANE_URL } from "./stage.mjs";

const client = new Mistral({ serverURL: VANE_URL, apiKey: VANE_API_KEY });
const fake = new Fake();
const TOOLS = [{ type: "function", function: { name: "weather", description: "The weather of a city.", parameters: CITY } }];
const FIM = { prompt: "def add(a, b):\n", suffix: "\nprint(add(1, 2))", maxTokens: 20, randomSeed: 3 };
const PLACE = z.object({ city: z.string(), people: z.number() });

const choicesOf = async (stream) => (await collect(stream)).flatMap((event) => event.data.choices);

for (const [provider, model] of Object.entries(MODELS)) {
  test(`mistral chat on ${provider}`, async () => {
    await fake.script(answer(text("Good day.")));
    const said = await client.chat.complete({ model, messages: HELLO, maxTokens: 50 });
    assert.equal(said.choices[0].message.content, "Good day.");
    assert.deepEqual([said.usage.promptTokens, said.usage.completionTokens], [1000, 100]);
    assert.ok((await fake.last()).path.startsWith(PATHS[provider]));
  });

  test(`mistral chat streamed on ${provider}`, async () => {
    await fake.script(answer(text("Good day to you.")));
    const choices = await choicesOf(await client.chat.stream({ model, messages: HELLO }));
    assert.equal(choices.map(({ delta }) => delta.content ?? "").join(""), "Good day to you.");
    assert.equal(choices.at(-1).finishReason, "stop");
  });

  test(`mistral parallel tools and their results on ${provider}`, async () => {
    await fake.script(answer(...TWO_CALLS), answer(text("Both are fine.")));
    const choices = await choicesOf(await client.chat.stream({ model, messages: HELLO, tools: TOOLS }));
    const toolCalls = choices.flatMap(({ delta }) => delta.toolCalls ?? []);
    assert.deepEqual(toolCalls.map((call) => call.function.name), ["weather", "weather"]);
    const results = toolCalls.map(({ id }) => ({ role: "tool", toolCallId: id, name: "weather", content: `sunny ${id}` }));
    const messages = [...HELLO, { role: "assistant", content: "", toolCalls }, ...results];
    const second = await client.chat.complete({ model, messages, tools: TOOLS });
    assert.equal(second.choices[0].message.content, "Both are fine.");
    const { body } = await fake.last();
    assert.ok(results.every(({ content }) => body.includes(content)));
  });

  test(`mistral parse on ${provider}`, async () => {
    await fake.script(answer(text('{"city": "Oslo", "people": 7}')));
    const done = await client.chat.parse({ model, messages: HELLO, responseFormat: PLACE });
    assert.deepEqual(done.choices[0].message.parsed, { city: "Oslo", people: 7 });
  });
}

for (const model of ["codestral-latest", "lab-coder"]) {
  test(`mistral fill-in by ${model}`, async () => {
    await fake.script(answer(text("    return a + b\n")));
    const done = await client.fim.complete({ model, ...FIM });
    assert.equal(done.choices[0].message.content, "    return a + b\n");
    const choices = await choicesOf(await client.fim.stream({ model, ...FIM }));
    assert.equal(choices.map(({ delta }) => delta.content).join(""), "    return a + b\n");
  });
}

for (const model of ["magistral-medium-latest", "claude-haiku-4-5"]) {
  test(`mistral thinking by ${model}`, async () => {
    await fake.script(answer(reasoning("Hm, let me think."), text("42")));
    const said = await client.chat.complete({ model, messages: HELLO, reasoningEffort: "high", maxTokens: 4096 });
    const [thought, content] = said.choices[0].message.content;
    assert.equal(thought.thinking.map((part) => part.text).join(""), "Hm, let me think.");
    assert.equal(content.text, "42");
  });
}

for (const model of ["codestral-embed", "text-embedding-3-small"]) {
  test(`mistral embeddings by ${model}`, async () => {
    await fake.script(answer());
    const done = await client.embeddings.create({ model, inputs: ["one", "two"] });
    assert.ok(done.data.every(({ embedding }) => embedding.every(Number.isFinite)));
  });
}

test("mistral models", async () => {
  const { data } = await client.models.list();
  assert.ok(Object.values(MODELS).every((id) => data.some((card) => card.id === id)));
  assert.equal((await client.models.retrieve({ modelId: "codestral-latest" })).id, "codestral-latest");
});
