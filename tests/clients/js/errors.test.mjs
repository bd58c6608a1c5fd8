// Failures come out as the class that each SDK has for them.

import assert from "node:assert/strict";
import { test } from "node:test";

import Anthropic from "@anthropic-ai/sdk";
import { Mistral } from "@mistralai/mistralai";
import { SDKError } from "@mistralai/mistralai/models/errors/index.js";
import OpenAI from "openai";

import { answer, collect, Fake, HELLO, status, text, VANE_API_KEY, VANE_URL } from "./stage.mjs";

const fake = new Fake();
const SDKS = {
  openai: {
    call: (ask, apiKey) => new OpenAI({ baseURL: `${VANE_URL}/v1`, apiKey, maxRetries: 0 }).chat.completions.create(ask),
    classes: { 400: OpenAI.BadRequestError, 401: OpenAI.AuthenticationError, 404: OpenAI.NotFoundError, 413: OpenAI.APIError, 429: OpenAI.RateLimitError, 500: OpenAI.InternalServerError },
  },
  anthropic: {
    call: (ask, apiKey) => new Anthropic({ baseURL: VANE_URL, apiKey, maxRetries: 0 }).messages.create({ max_tokens: 9, ...ask }),
    classes: { 400: Anthropic.BadRequestError, 401: Anthropic.AuthenticationError, 404: Anthropic.NotFoundError, 413: Anthropic.APIError, 429: Anthropic.RateLimitError, 500: Anthropic.InternalServerError },
  },
  mistral: {
    call: (ask, apiKey) => new Mistral({ serverURL: VANE_URL, apiKey }).chat.complete(ask),
    classes: Object.fromEntries([400, 401, 404, 413, 429, 500].map((code) => [code, SDKError])),
  },
};
const codeOf = (error) => error.status ?? error.statusCode;

for (const [sdk, { call, classes }] of Object.entries(SDKS)) {
  const refused = async (code, ask, key) => {
    await fake.script(answer(text("This should not have been asked.")));
    const error = await fails(code, ask, key);
    assert.deepEqual(await fake.calls(), []);
    return error;
  };
  const fails = async (code, ask, key = VANE_API_KEY) => {
    const error = await call({ model: "codestral-latest", messages: HELLO, ...ask }, key).then(() => null, (error) => error);
    assert.ok(error instanceof classes[code], `${error?.constructor.name}: ${error?.message}`);
    assert.equal(codeOf(error), code);
    return error;
  };

  test(`${sdk} 401 of a wrong key`, async () => {
    await refused(401, {}, "sk-vane-nobody-nothing");
  });

  test(`${sdk} 404 names near ids`, async () => {
    assert.match((await refused(404, { model: "codestral-lates" })).message, /codestral-latest/);
  });

  test(`${sdk} 413 of a body too large`, async () => {
    await refused(413, { messages: [{ role: "user", content: "x".repeat(1_100_000) }] });
  });

  for (const model of ["codestral-latest", "claude-haiku-4-5"]) {
    test(`${sdk} 400 and 429 from upstream by ${model}`, async () => {
      await fake.script(status(400));
      await fails(400, { model });
      // Mistral's usual 429 speaks of capacity: that is an overload.
      const body = model === "codestral-latest" ? "mistral_rate" : "own";
      await fake.script({ fault: { status: { status: 429, body } }, headers: [["retry-after", "7"]] });
      const { headers } = await fails(429, { model });
      assert.equal(headers.get("retry-after"), "7");
    });
  }
}

for (const sdk of ["openai", "anthropic"]) {
  for (const model of ["codestral-latest", "claude-haiku-4-5"]) {
    test(`${sdk} error in mid-stream by ${model}`, async () => {
      const long = "Good day to you and to everybody else in this house, and good night as well.";
      await fake.script({ ...answer(text(long)), fault: { error_after: 6 }, gate: "content" });
      await fake.open("content", 5);
      const stream = await SDKS[sdk].call({ model, messages: HELLO, stream: true }, VANE_API_KEY);
      // The client has its first content by now.
      await fake.open("content", "all");
      await assert.rejects(collect(stream), SDKS[sdk].classes[413]);
    });
  }
}
