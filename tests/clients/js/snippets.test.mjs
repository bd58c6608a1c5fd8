// The three snippets of a model page run as they are written, but for the address.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";

import { answer, Fake, text } from "./stage.mjs";

const { CLIENTS, NODE, VANE_URL } = process.env;
const PROGRAMS = { "hello.sh": "sh", "hello.py": join(CLIENTS, ".venv-sdk/bin/python"), "hello.mjs": NODE };
const run = promisify(execFile);
const fake = new Fake();

for (const [name, program] of Object.entries(PROGRAMS)) {
  test(`snippet ${name}`, async () => {
    await fake.script(answer(text("Good day.")));
    const written = readFileSync(join(CLIENTS, "snippets", name), "utf8");
    // Beside the packages, so that an import finds them.
    const placed = join(CLIENTS, "node_modules", `.snippet-${name}`);
    writeFileSync(placed, written.replace("http://127.0.0.1:8787", VANE_URL));
    const { stdout } = await run(program, [placed]);
    assert.match(stdout, /Good day\./);
    const { json } = await fake.last();
    assert.equal(json.model, "codestral-latest");
    assert.deepEqual(json.messages, [{ role: "user", content: "Hello" }]);
  });
}
