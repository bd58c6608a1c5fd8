// Vercel's AI SDK with each of its four providers.

import assert from "node:assert/strict";
import { test } from "node:test";

import { createAnthropic } from "@ai-sdk/anthropic";
import { createMistral } from "@ai-sdk/mistral";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { embedMany, generateObject, generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

import { answer, Fake, MODELS, PATHS, text, TWO_CALLS, VANE_API_KEY, VANE_URL } from "./stage.mjs";

const settings = { baseURL: `${VANE_URL}/v1`, apiKey: VANE_API_KEY };
const openai = createOpenAI(settings);
const compatible = createOpenAICompatible({ ...settings, name: "vane", includeUsage: true });
const mistral = createMistral({ ...settings, baseURL: `${VANE_URL}/mistral/v1` });
const anthropic = createAnthropic(settings);
const SDKS = { responses: (id) => openai(id), chat: (id) => openai.chat(id), compatible, mistral, anthropic };
const fake = new Fake();

const weather = tool({
  description: "The weather of a city.",
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => `sunny in ${city}`,
});
const PLACE = z.object({ city: z.string(), people: z.number() });

for (const [sdk, use] of Object.entries(SDKS)) {
  for (const [provider, id] of Object.entries(MODELS)) {
    const ask = () => ({ model: use(id), maxRetries: 0, maxOutputTokens: 500 });

    test(`ai generateText, ${sdk} on ${provider}`, async () => {
      await fake.script(answer(text("Good day.")));
      const done = await generateText({ ...ask(), prompt: "Hello" });
      assert.equal(done.text, "Good day.");
      assert.equal(done.finishReason, "stop");
      assert.deepEqual([done.usage.inputTokens, done.usage.outputTokens], [1000, 100]);
      assert.ok((await fake.last()).path.startsWith(PATHS[provider]));
    });

    test(`ai streamText with tools, ${sdk} on ${provider}`, async () => {
      await fake.script(answer(...TWO_CALLS), answer(text("Both are fine.")));
      const stream = streamText({ ...ask(), prompt: "The weather in Paris and Rome?", tools: { weather }, stopWhen: stepCountIs(3), onError: () => {} });
      assert.equal(await stream.text, "Both are fine.");
      const [first, second] = await stream.steps;
      assert.deepEqual(first.toolCalls.map(({ input }) => input.city), ["Paris", "Rome"]);
      assert.equal(second.usage.inputTokens, 1000);
      assert.match((await fake.last()).body, /sunny in Paris.*sunny in Rome/s);
    });

    test(`ai generateObject, ${sdk} on ${provider}`, async () => {
      await fake.script(answer(text('{"city": "Oslo", "people": 7}')));
      const done = await generateObject({ ...ask(), schema: PLACE, prompt: "Where?" });
      assert.deepEqual(done.object, { city: "Oslo", people: 7 });
    });
  }
}

test("ai embedMany", async () => {
  for (const model of [openai.embedding("text-embedding-3-small"), mistral.embedding("codestral-embed"), compatible.embeddingModel("codestral-embed")]) {
    await fake.script(answer());
    const { embeddings } = await embedMany({ model, values: ["one", "two"] });
    assert.equal(embeddings.length, 2);
  }
});
