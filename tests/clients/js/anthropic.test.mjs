// Anthropic's SDK in JavaScript, in front of every kind of upstream.

import assert from "node:assert/strict";
import { test } from "node:test";

import Anthropic from "@anthropic-ai/sdk";

import { answer, CITY, collect, COST, Fake, HELLO, MODELS, PATHS, reasoning, text, tool, TWO_CALLS, VANE_API_KEY, VANE_URL } from "./stage.mjs";

const client = new Anthropic({ baseURL: VANE_URL, apiKey: VANE_API_KEY, maxRetries: 0 });
const fake = new Fake();
const TOOLS = [{ name: "weather", description: "The weather of a city.", input_schema: CITY }];

const WAYS = {
  unstreamed: (ask) => client.messages.create({ max_tokens: 2048, ...ask }),
  streamed: (ask) => client.messages.stream({ max_tokens: 2048, ...ask }).finalMessage(),
};

for (const [provider, model] of Object.entries(MODELS)) {
  test(`anthropic stream says its cost on ${provider}`, async () => {
    await fake.script(answer(text("Good day to you.")));
    const events = await collect(await client.messages.create({ model, max_tokens: 99, messages: HELLO, stream: true }));
    const { usage } = events.find(({ type }) => type === "message_delta");
    assert.equal(usage.cost, COST[provider]);
  });
}

for (const [way, send] of Object.entries(WAYS)) {
  for (const [provider, model] of Object.entries(MODELS)) {
    test(`anthropic message ${way} on ${provider}`, async () => {
      await fake.script(answer(text("Good day to you.")));
      const said = await send({ model, messages: HELLO, system: "Be brief." });
      assert.equal(said.content[0].text, "Good day to you.");
      assert.equal(said.stop_reason, "end_turn");
      assert.deepEqual([said.usage.input_tokens, said.usage.output_tokens], [1000, 100]);
      // The SDK's final message leaves out what it does not know.
      if (way === "unstreamed") assert.equal(said.usage.cost, COST[provider]);
      assert.ok((await fake.last()).path.startsWith(PATHS[provider]));
    });

    test(`anthropic parallel tools and their results ${way} on ${provider}`, async () => {
      await fake.script(answer(text("Let me look."), ...TWO_CALLS), answer(text("Both are fine.")));
      const asked = [{ role: "user", content: "The weather in Paris and Rome?" }];
      const first = await send({ model, tools: TOOLS, messages: asked });
      const calls = first.content.filter((block) => block.type === "tool_use");
      assert.deepEqual(calls.map((call) => call.input.city), ["Paris", "Rome"]);
      const results = calls.map(({ id }) => ({ type: "tool_result", tool_use_id: id, content: `sunny ${id}` }));
      const messages = [...asked, { role: "assistant", content: first.content }, { role: "user", content: results }];
      const second = await send({ model, tools: TOOLS, messages });
      assert.equal(second.content[0].text, "Both are fine.");
      const { body } = await fake.last();
      assert.ok(results.every(({ content }) => body.includes(content)));
    });
  }

  for (const model of ["claude-haiku-4-5", "magistral-medium-latest"]) {
    test(`anthropic thinking returns unchanged ${way} by ${model}`, async () => {
      const call = tool("callpari1", "weather", { city: "Paris" });
      await fake.script(answer(reasoning("Hm, let me think."), call), answer(text("Fine.")));
      const ask = { model, tools: TOOLS, thinking: { type: "enabled", budget_tokens: 1024 } };
      const first = await send({ ...ask, messages: HELLO });
      const [thought, called] = first.content;
      assert.equal(thought.thinking, "Hm, let me think.");
      assert.ok(thought.signature);
      const result = { type: "tool_result", tool_use_id: called.id, content: "sunny" };
      const messages = [...HELLO, { role: "assistant", content: first.content }, { role: "user", content: [result] }];
      assert.equal((await send({ ...ask, messages })).content[0].text, "Fine.");
      const history = (await fake.last()).json.messages.find(({ role }) => role === "assistant");
      assert.match(JSON.stringify(history.content[0]), /let me think/);
    });
  }
}

test("anthropic count_tokens", async () => {
  for (const model of ["claude-haiku-4-5", "codestral-latest"]) {
    await fake.script({});
    const { input_tokens } = await client.messages.countTokens({ model, messages: HELLO });
    assert.ok(input_tokens > 0 && input_tokens < 100);
  }
});

test("anthropic models", async () => {
  const models = await collect(client.models.list({ limit: 1000 }));
  assert.ok(Object.values(MODELS).every((id) => models.some((model) => model.id === id)));
  assert.equal((await client.models.retrieve("claude-haiku-4-5")).type, "model");
});

test("anthropic image", async () => {
  const source = { type: "base64", media_type: "image/png", data: "iVBORw0KGgo=" };
  const content = [{ type: "image", source }, { type: "text", text: "What is this?" }];
  for (const model of ["claude-haiku-4-5", "gpt-4.1", "mistral-large-latest"]) {
    await fake.script(answer(text("A pixel.")));
    await WAYS.unstreamed({ model, messages: [{ role: "user", content }] });
    assert.match((await fake.last()).body, /iVBORw0KGgo=/);
  }
});
