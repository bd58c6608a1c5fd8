curl http://127.0.0.1:8787/v1/chat/completions \
  -H "Authorization: Bearer $VANE_API_KEY" \
  -H "Content-Type: application/json" \
  -d '{"model": "codestral-latest", "messages": [{"role": "user", "content": "Hello"}]}'
