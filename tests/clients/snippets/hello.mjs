import OpenAI from "openai";

const client = new OpenAI({ baseURL: "http://127.0.0.1:8787/v1", apiKey: process.env.VANE_API_KEY });
const answer = await client.chat.completions.create({
  model: "codestral-latest",
  messages: [{ role: "user", content: "Hello" }],
});
console.log(answer.choices[0].message.content);
