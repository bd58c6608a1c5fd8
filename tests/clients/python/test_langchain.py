"""LangChain's chat models: OpenAI's, Anthropic's and Mistral's."""

import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import AIMessageChunk, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_mistralai import ChatMistralAI
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from stage.fake import MODELS, answer, text
from stage.fake import tool as called

CHATS = ["openai", "anthropic", "mistral"]
each = pytest.mark.parametrize("kind", CHATS)
everywhere = pytest.mark.parametrize("provider", ["mistral", "openai", "anthropic"])


@tool
def weather(city: str) -> str:
    """The weather of a city."""
    return f"sunny in {city}"


@pytest.fixture
def chat(url, key):
    def make(kind, model):
        if kind == "anthropic":
            return ChatAnthropic(model=model, base_url=url, api_key=key, max_retries=0, max_tokens=99)
        if kind == "mistral":
            return ChatMistralAI(model=model, base_url=f"{url}/mistral/v1", api_key=key, max_retries=1)
        return ChatOpenAI(model=model, base_url=f"{url}/v1", api_key=key, max_retries=0, stream_usage=True)

    return make


@each
@everywhere
def test_stream_counts_tokens(chat, fake, kind, provider):
    fake.script(answer(text("Good day to you.")))
    pieces = list(chat(kind, MODELS[provider]).stream("Hello"))
    whole = sum(pieces[1:], pieces[0])
    assert isinstance(whole, AIMessageChunk) and whole.text == "Good day to you."
    assert (whole.usage_metadata["input_tokens"], whole.usage_metadata["output_tokens"]) == (1000, 100)


@each
@everywhere
def test_tool_round_trip(chat, fake, kind, provider):
    fake.script(answer(called("callpari1", "weather", city="Paris")), answer(text("Fine.")))
    model = chat(kind, MODELS[provider]).bind_tools([weather])
    asked = HumanMessage("The weather in Paris?")
    first = model.invoke([asked])
    assert [call["args"] for call in first.tool_calls] == [{"city": "Paris"}]
    results = [ToolMessage(weather.invoke(call["args"]), tool_call_id=call["id"]) for call in first.tool_calls]
    assert model.invoke([asked, first, *results]).text == "Fine."
    assert "sunny in Paris" in fake.last["body"]


@each
def test_structured_output(chat, fake, kind):
    fake.script(answer(text('{"city": "Oslo"}')))
    schema = {"title": "Place", "description": "A place.", "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}
    model = chat(kind, "codestral-latest").with_structured_output(schema, method="json_schema")
    assert model.invoke("Where?") == {"city": "Oslo"}
    assert fake.last["json"]["response_format"]["type"] == "json_schema"


def test_embeddings_of_token_ids(url, key, fake):
    embed = OpenAIEmbeddings(model="text-embedding-3-small", base_url=f"{url}/v1", api_key=key, check_embedding_ctx_length=False)
    assert len(embed.embed_documents(["one", "two"])) == 2
