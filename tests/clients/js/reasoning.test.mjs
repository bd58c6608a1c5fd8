// Reasoning through OpenAI's SDK: the text of it in chat, and sealed state in responses.

import assert from "node:assert/strict";
import { test } from "node:test";

import OpenAI from "openai";

import { answer, CITY, collect, Fake, HELLO, reasoning, text, tool, VANE_API_KEY, VANE_URL } from "./stage.mjs";

const client = new OpenAI({ baseURL: `${VANE_URL}/v1`, apiKey: VANE_API_KEY, maxRetries: 0 });
const fake = new Fake();
const TOOLS = [{ type: "function", name: "weather", strict: false, parameters: CITY }];

for (const model of ["magistral-medium-latest", "claude-haiku-4-5"]) {
  test(`openai chat reasoning by ${model}`, async () => {
    await fake.script(answer(reasoning("Hm, let me think."), text("42")));
    const ask = { model, messages: HELLO, reasoning_effort: "high" };
    const { message } = (await client.chat.completions.create(ask)).choices[0];
    assert.deepEqual([message.reasoning_content, message.content], ["Hm, let me think.", "42"]);
    const chunks = await collect(await client.chat.completions.create({ ...ask, stream: true }));
    const deltas = chunks.flatMap(({ choices }) => choices.map(({ delta }) => delta));
    assert.equal(deltas.map((delta) => delta.reasoning_content ?? "").join(""), "Hm, let me think.");
    assert.equal(deltas.map((delta) => delta.content ?? "").join(""), "42");
  });
}

for (const model of ["magistral-medium-latest", "claude-haiku-4-5", "gpt-5"]) {
  test(`openai response reasoning goes back to ${model}`, async () => {
    const call = tool("callpari1", "weather", { city: "Paris" });
    await fake.script(answer(reasoning("Hm, let me think."), call), answer(text("Fine.")));
    const ask = { model, tools: TOOLS, store: false, include: ["reasoning.encrypted_content"], reasoning: { effort: "high", summary: "auto" } };
    const first = await client.responses.stream({ ...ask, input: HELLO }).finalResponse();
    const thought = first.output.find(({ type }) => type === "reasoning");
    const { call_id } = first.output.find(({ type }) => type === "function_call");
    assert.ok(thought.encrypted_content);
    const output = { type: "function_call_output", call_id, output: "sunny" };
    const second = await client.responses.create({ ...ask, input: [...HELLO, ...first.output, output] });
    assert.equal(second.output_text, "Fine.");
    assert.match((await fake.last()).body, /let me think/);
  });
}
