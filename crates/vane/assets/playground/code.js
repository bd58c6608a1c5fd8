// The call that the form makes, as code: with a key of yours in the environment.

import { codeBlock, node } from "./markdown.js";
import { PATHS } from "./wire.js";

const shell = (text) => "'" + text.replaceAll("'", "'\\''") + "'";
const pretty = (body) => JSON.stringify(body, null, 2);

// Python's words for what JSON calls otherwise, outside of its texts.
const python = (json) => json.replace(/"(?:\\.|[^"\\])*"|\btrue\b|\bfalse\b|\bnull\b/g, (word) => ({ true: "True", false: "False", null: "None" })[word] || word);

const hashes = (text) => {
  let marks = "#";
  while (text.includes('"' + marks)) marks += "#";
  return marks;
};

export function written(origin, mode, body) {
  const url = origin + PATHS[mode];
  const host = new URL(origin).host;
  const json = pretty(body);
  const marks = hashes(json);
  return {
    curl: [
      "curl " + shell(url) + " \\",
      '  -H "Authorization: Bearer $VANE_API_KEY" \\',
      "  -H 'Content-Type: application/json' \\",
      "  -d " + shell(json),
    ].join("\n"),
    Python: [
      "import os, requests",
      "",
      "answer = requests.post(",
      "    " + JSON.stringify(url) + ",",
      '    headers={"Authorization": "Bearer " + os.environ["VANE_API_KEY"]},',
      "    json=" + python(json).replaceAll("\n", "\n    ") + ",",
      ")",
      "print(answer.json())",
    ].join("\n"),
    JavaScript: [
      "const answer = await fetch(" + JSON.stringify(url) + ", {",
      '  method: "POST",',
      '  headers: { authorization: "Bearer " + process.env.VANE_API_KEY, "content-type": "application/json" },',
      "  body: JSON.stringify(" + json.replaceAll("\n", "\n  ") + "),",
      "});",
      "console.log(await answer.json());",
    ].join("\n"),
    Rust: [
      '// [dependencies] reqwest = { version = "0.12", features = ["blocking"] }',
      "fn main() -> Result<(), Box<dyn std::error::Error>> {",
      '    let key = std::env::var("VANE_API_KEY")?;',
      "    let body = r" + marks + '"' + json + '"' + marks + ";",
      "    let answer = reqwest::blocking::Client::new()",
      "        .post(" + JSON.stringify(url) + ")",
      "        .bearer_auth(key)",
      '        .header("content-type", "application/json")',
      "        .body(body)",
      "        .send()?;",
      '    println!("{}", answer.text()?);',
      "    Ok(())",
      "}",
    ].join("\n"),
    "Raw request": [
      "POST " + PATHS[mode] + " HTTP/1.1",
      "Host: " + host,
      "Authorization: Bearer sk-vane-...",
      "Content-Type: application/json",
      "Content-Length: " + new TextEncoder().encode(json).length,
      "",
      json,
    ].join("\n"),
  };
}

// Shows it below the form; each language opens when it is asked for, and is written then.
export function offer(place, read) {
  for (const language of ["curl", "Python", "JavaScript", "Rust", "Raw request"]) {
    const details = node("details", {}, node("summary", {}, language));
    details.addEventListener("toggle", () => {
      while (details.childNodes.length > 1) details.lastChild.remove();
      if (!details.open) return;
      try {
        details.append(codeBlock(read(written)[language]));
      } catch (error) {
        details.append(node("p", { class: "notice" }, error.message));
      }
    });
    place.append(details);
  }
  place.hidden = false;
}
