import os

from openai import OpenAI

client = OpenAI(base_url="http://127.0.0.1:8787/v1", api_key=os.environ["VANE_API_KEY"])
answer = client.chat.completions.create(
    model="codestral-latest",
    messages=[{"role": "user", "content": "Hello"}],
)
print(answer.choices[0].message.content)
