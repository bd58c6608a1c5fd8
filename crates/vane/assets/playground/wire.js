// What is sent, and what comes back: bodies of calls, the frames of a stream, problems in words.

export const PATHS = {
  chat: "/v1/chat/completions",
  completion: "/v1/completions",
  fim: "/v1/fim/completions",
  embeddings: "/v1/embeddings",
};

const number = (text) => (text && text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : undefined);

// The body of a call of one model; `turns` is the conversation with what was typed at its end.
export function bodyOf(filled, model, turns) {
  const body = { model };
  if (filled.mode === "embeddings") {
    body.input = filled.prompt.split("\n").filter((line) => line.trim());
    return body;
  }
  if (filled.mode === "chat") body.messages = turns;
  else body.prompt = filled.prompt;
  if (filled.mode === "fim") body.suffix = filled.suffix;
  for (const name of ["temperature", "top_p", "max_tokens"]) {
    const value = number(filled[name]);
    if (value !== undefined) body[name] = value;
  }
  if (filled.stop) body.stop = filled.stop.split("\n").filter((line) => line);
  if (filled.mode === "chat" && filled.tools && filled.tools.trim()) body.tools = JSON.parse(filled.tools);
  return body;
}

// The JSON of each frame of a stream, as it comes.
export async function* frames(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    const lines = rest.split("\n");
    rest = lines.pop();
    for (const line of lines) {
      if (line.startsWith(": vane-run ")) yield { run: line.slice(11) };
      const data = line.startsWith("data:") ? line.slice(5).trim() : "";
      if (data && data !== "[DONE]") yield JSON.parse(data);
    }
  }
}

const text = (content) => (Array.isArray(content) ? content.map((part) => part.text || "").join("") : content || "");

// Adds a frame of a stream, or a whole answer, to what was said so far.
export function add(said, frame) {
  if (frame.error || frame.object === "error") throw new Failed(502, frame.error ? frame.error.message : frame.message);
  if (frame.usage) said.usage = frame.usage;
  if (frame.run) said.run = frame.run;
  if (frame.data) said.vectors = frame.data.map((row) => row.embedding);
  const choice = frame.choices && frame.choices[0];
  if (!choice) return;
  if (choice.finish_reason) said.finish = choice.finish_reason;
  const delta = choice.delta || choice.message || {};
  said.text += text(delta.content) || choice.text || "";
  said.thoughts += text(delta.reasoning_content || delta.reasoning);
  (delta.tool_calls || []).forEach((call, place) => {
    const known = (said.calls[call.index ?? place] ??= { id: "", type: "function", function: { name: "", arguments: "" } });
    if (call.id) known.id = call.id;
    if (call.function && call.function.name) known.function.name = call.function.name;
    if (call.function && call.function.arguments) known.function.arguments += call.function.arguments;
  });
}

export class Failed extends Error {
  constructor(status, says, after) {
    super(says);
    this.status = status;
    this.after = after;
  }
}

// What a refusal says, and what to do about it.
export async function refusal(response) {
  let says = "no answer came";
  try {
    const body = await response.json();
    says = body.error ? body.error.message : body.message;
  } catch {}
  return new Failed(response.status, says, response.headers.get("retry-after"));
}

export function cure({ status, after }) {
  if (status === 401) return "Pick a model that is free, or sign in.";
  if (status === 402) return "Top up, pick a cheaper model, or allow less output.";
  if (status === 403) return "Reload the page and send again.";
  if (status === 404) return "Pick a model from the list.";
  if (status === 429) return after ? "Send again in " + after + " seconds." : "Wait a moment, then send again.";
  if (status >= 500) return "Nothing is billed for a call without an answer. Send again, or pick another model.";
  return "Change what is named and send again.";
}
