// OpenAI's SDK in JavaScript, in front of every kind of upstream.

import assert from "node:assert/strict";
import { test } from "node:test";

import OpenAI from "openai";
import { zodResponseFormat, zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";

import { answer, CITY, collect, COST, Fake, HELLO, MODELS, PATHS, text, TWO_CALLS, VANE_API_KEY, VANE_URL } from "./stage.mjs";

const client = new OpenAI({ baseURL: `${VANE_URL}/v1`, apiKey: VANE_API_KEY, maxRetries: 0 });
const fake = new Fake();
const FUNCTION = { name: "weather", description: "The weather of a city.", parameters: CITY };
const TOOLS = [{ type: "function", function: FUNCTION }];
const PLACE = z.object({ city: z.string(), people: z.number() });
const FIM = { prompt: "def add(a, b):\n", suffix: "\nprint(add(1, 2))", max_tokens: 20 };

for (const [provider, model] of Object.entries(MODELS)) {
  test(`openai chat on ${provider}`, async () => {
    await fake.script(answer(text("Good day.")));
    const said = await client.chat.completions.create({ model, messages: HELLO });
    assert.equal(said.choices[0].message.content, "Good day.");
    assert.equal(said.usage.cost, COST[provider]);
    assert.ok((await fake.last()).path.startsWith(PATHS[provider]));
  });

  test(`openai chat streamed on ${provider}`, async () => {
    await fake.script(answer(text("Good day to you.")));
    const chunks = await collect(await client.chat.completions.create({ model, messages: HELLO, stream: true }));
    assert.ok(chunks.every((chunk) => chunk.choices.length === 1));
    assert.equal(chunks.map((chunk) => chunk.choices[0].delta.content ?? "").join(""), "Good day to you.");
    const stream_options = { include_usage: true };
    const asked = await collect(await client.chat.completions.create({ model, messages: HELLO, stream: true, stream_options }));
    assert.deepEqual(asked.at(-1).choices, []);
    assert.equal(asked.at(-1).usage.cost, COST[provider]);
  });

  test(`openai parallel tools and their results on ${provider}`, async () => {
    await fake.script(answer(...TWO_CALLS), answer(text("Both are fine.")));
    const runner = client.chat.completions.runTools({
      model,
      messages: [{ role: "user", content: "The weather in Paris and Rome?" }],
      tools: [{ type: "function", function: { ...FUNCTION, parse: JSON.parse, function: ({ city }) => `sunny in ${city}` } }],
    });
    assert.equal(await runner.finalContent(), "Both are fine.");
    const { body } = await fake.last();
    assert.ok(body.includes("sunny in Paris") && body.includes("sunny in Rome"));
  });

  test(`openai streamed tools on ${provider}`, async () => {
    await fake.script(answer(text("Let me look."), ...TWO_CALLS));
    const done = await client.chat.completions.stream({ model, messages: HELLO, tools: TOOLS }).finalChatCompletion();
    const { content, tool_calls } = done.choices[0].message;
    assert.equal(content, "Let me look.");
    assert.deepEqual(tool_calls.map((call) => JSON.parse(call.function.arguments).city), ["Paris", "Rome"]);
  });

  test(`openai parse on ${provider}`, async () => {
    await fake.script(answer(text('{"city": "Oslo", "people": 7}')));
    const response_format = zodResponseFormat(PLACE, "place");
    const done = await client.chat.completions.parse({ model, messages: HELLO, response_format });
    assert.deepEqual(done.choices[0].message.parsed, { city: "Oslo", people: 7 });
  });

  test(`openai response on ${provider}`, async () => {
    await fake.script(answer(text("Good day.")));
    const done = await client.responses.create({ model, input: "Hello", store: false });
    assert.equal(done.output_text, "Good day.");
    assert.equal(done.usage.cost, COST[provider]);
  });

  test(`openai response streamed with functions on ${provider}`, async () => {
    await fake.script(answer(...TWO_CALLS), answer(text("Both are fine.")));
    const tools = [{ type: "function", strict: false, ...FUNCTION }];
    const input = [{ role: "user", content: "The weather in Paris and Rome?" }];
    const first = await client.responses.stream({ model, input, tools, store: false }).finalResponse();
    const calls = first.output.filter((item) => item.type === "function_call");
    assert.deepEqual(calls.map((call) => JSON.parse(call.arguments).city), ["Paris", "Rome"]);
    const outputs = calls.map(({ call_id }) => ({ type: "function_call_output", call_id, output: `sunny ${call_id}` }));
    const second = client.responses.stream({ model, input: [...input, ...first.output, ...outputs], tools, store: false });
    assert.equal((await second.finalResponse()).output_text, "Both are fine.");
    const { body } = await fake.last();
    assert.ok(outputs.every(({ output }) => body.includes(output)));
  });

  test(`openai response parse on ${provider}`, async () => {
    await fake.script(answer(text('{"city": "Oslo", "people": 7}')));
    const format = zodTextFormat(PLACE, "place");
    const done = await client.responses.parse({ model, input: "Where?", text: { format }, store: false });
    assert.deepEqual(done.output_parsed, { city: "Oslo", people: 7 });
  });
}

for (const model of ["codestral-latest", "lab-coder"]) {
  test(`openai fill-in by ${model}`, async () => {
    await fake.script(answer(text("    return a + b\n")));
    const done = await client.completions.create({ model, ...FIM });
    assert.equal(done.choices[0].text, "    return a + b\n");
    const chunks = await collect(await client.completions.create({ model, ...FIM, stream: true }));
    assert.equal(chunks.map((chunk) => chunk.choices[0]?.text ?? "").join(""), "    return a + b\n");
  });
}

for (const model of ["text-embedding-3-small", "codestral-embed"]) {
  test(`openai embeddings by ${model}`, async () => {
    await fake.script(answer());
    const done = await client.embeddings.create({ model, input: ["one", "two"] });
    assert.equal(done.data.length, 2);
    assert.ok(done.data.every(({ embedding }) => embedding.every(Number.isFinite)));
  });
}

test("openai models", async () => {
  const ids = (await collect(client.models.list())).map(({ id }) => id);
  assert.ok(Object.values(MODELS).every((id) => ids.includes(id)));
  assert.equal((await client.models.retrieve("codestral-latest")).object, "model");
});

for (const model of ["claude-haiku-4-5", "gpt-4.1"]) {
  test(`openai image to ${model}`, async () => {
    await fake.script(answer(text("A pixel.")));
    const image_url = { url: "data:image/png;base64,iVBORw0KGgo=" };
    const content = [{ type: "text", text: "What is this?" }, { type: "image_url", image_url }];
    await client.chat.completions.create({ model, messages: [{ role: "user", content }] });
    assert.match((await fake.last()).body, /iVBORw0KGgo=/);
  });
}
