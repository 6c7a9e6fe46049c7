"""Tool calls through the official Python client: a model whose template shows tools
(Qwen2.5-Coder) and one whose template knows none (the default, SmolLM2)."""

import json
import re

import openai
import pytest
from conftest import Server

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the current weather of a city",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "maxLength": 30},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
                "days": {"type": "integer", "minimum": 1, "maximum": 7},
            },
            "required": ["city", "unit"],
            "additionalProperties": False,
        },
    },
}
TIME = {
    "type": "function",
    "function": {
        "name": "get_time",
        "description": "Get the time of a zone",
        "parameters": {
            "type": "object",
            "properties": {"zone": {"type": "string", "enum": ["UTC", "CET"]}},
            "required": ["zone"],
            "additionalProperties": False,
        },
    },
}
QUESTION = [{"role": "user", "content": "What is the weather in Paris, in celsius?"}]
NAMED = {"type": "function", "function": {"name": "get_weather"}}


@pytest.fixture(scope="module")
def qwen():
    server = Server("--grace-seconds", "5", model="qwen2.5-coder-0.5b")
    yield server.client()
    assert server.stop() == 0


@pytest.fixture(params=["qwen", "default"])
def able(request):
    """A client, by a model with a template for tools and one without."""
    return request.getfixturevalue("qwen" if request.param == "qwen" else "client")


def model_of(client):
    return client.models.list().data[0].id


def check_arguments(call):
    """The arguments of a call, which must be valid under its tool's schema."""
    arguments = json.loads(call.function.arguments)
    if call.function.name == "get_time":
        assert set(arguments) == {"zone"} and arguments["zone"] in ("UTC", "CET")
        return arguments
    assert call.function.name == "get_weather"
    assert {"city", "unit"} <= set(arguments) <= {"city", "unit", "days"}
    assert isinstance(arguments["city"], str) and len(arguments["city"]) <= 30
    assert arguments["unit"] in ("celsius", "fahrenheit")
    assert 1 <= arguments.get("days", 1) <= 7 and isinstance(arguments.get("days", 1), int)
    return arguments


def joined(stream):
    """What the chunks of a stream add up to: content, calls, the finish reason."""
    content, calls, finish = "", [], None
    for chunk in stream:
        choice = chunk.choices[0]
        content += choice.delta.content or ""
        for piece in choice.delta.tool_calls or []:
            if piece.index == len(calls):
                assert re.fullmatch("call_[0-9a-f]{24}", piece.id) and piece.type == "function"
                calls.append([piece.function.name, ""])
            calls[piece.index][1] += piece.function.arguments or ""
        finish = choice.finish_reason or finish
    return content, calls, finish


def test_forces_a_named_call(able):
    request = dict(model=model_of(able), messages=QUESTION, tools=[TIME, WEATHER],
                   tool_choice=NAMED, max_tokens=200)  # fmt: skip
    for seed in range(4):
        choice = able.chat.completions.create(**request, temperature=1, seed=seed).choices[0]
        assert choice.finish_reason == "tool_calls" and choice.message.content is None
        (call,) = choice.message.tool_calls
        assert call.function.name == "get_weather"
        check_arguments(call)


def test_forces_some_call(able):
    request = dict(model=model_of(able), messages=QUESTION, tools=[TIME, WEATHER],
                   tool_choice="required", max_tokens=200)  # fmt: skip
    for seed in range(3):
        for parallel in (True, False):
            choice = able.chat.completions.create(
                **request, temperature=1, seed=seed, parallel_tool_calls=parallel
            ).choices[0]
            calls = choice.message.tool_calls
            assert calls and len({call.id for call in calls}) == len(calls)
            assert parallel or len(calls) == 1
            if choice.finish_reason == "length":
                calls = calls[:-1]
            for call in calls:
                check_arguments(call)


def test_streams_what_it_gives_whole(able):
    for choice in (NAMED, "required", "auto"):
        request = dict(model=model_of(able), messages=QUESTION, tools=[TIME, WEATHER],
                       tool_choice=choice, max_tokens=120, temperature=0.7, seed=11)  # fmt: skip
        whole = able.chat.completions.create(**request).choices[0]
        content, calls, finish = joined(able.chat.completions.create(**request, stream=True))
        assert content == (whole.message.content or "")
        assert finish == whole.finish_reason
        given = whole.message.tool_calls or []
        assert calls == [[c.function.name, c.function.arguments] for c in given]


def test_answers_from_the_result_of_a_call(able):
    model = model_of(able)
    first = able.chat.completions.create(
        model=model, messages=QUESTION, tools=[WEATHER], tool_choice=NAMED, temperature=0,
        max_tokens=200,
    ).choices[0].message  # fmt: skip
    messages = QUESTION + [
        first.to_dict(),
        {
            "role": "tool",
            "tool_call_id": first.tool_calls[0].id,
            "content": '{"temperature": 21, "sky": "clear"}',
        },
    ]
    request = dict(model=model, tools=[WEATHER], temperature=0, max_tokens=60)
    answer = able.chat.completions.create(**request, messages=messages)
    assert answer.choices[0].message.content or answer.choices[0].message.tool_calls
    without = able.chat.completions.create(**request, messages=QUESTION)
    assert answer.usage.prompt_tokens > without.usage.prompt_tokens + 20


def test_calls_by_itself_where_the_template_teaches_it(qwen):
    choice = qwen.chat.completions.create(
        model=model_of(qwen), messages=QUESTION, tools=[WEATHER], temperature=0, max_tokens=200
    ).choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.tool_calls[0].function.name == "get_weather"
    assert json.loads(choice.message.tool_calls[0].function.arguments)["city"] == "Paris"


def test_makes_no_call_where_none_is_allowed(able):
    choice = able.chat.completions.create(
        model=model_of(able), messages=QUESTION, tools=[WEATHER], tool_choice="none",
        temperature=0, max_tokens=60,
    ).choices[0]  # fmt: skip
    assert choice.message.tool_calls is None and choice.message.content
    assert choice.finish_reason != "tool_calls"


def test_names_the_schema_it_cannot_honour(able):
    broken = json.loads(json.dumps(WEATHER))
    broken["function"]["parameters"]["properties"]["city"]["type"] = "sentence"
    with pytest.raises(openai.BadRequestError) as caught:
        able.chat.completions.create(
            model=model_of(able), messages=QUESTION, tools=[TIME, broken], tool_choice="required"
        )
    assert caught.value.param == "tools[1].function.parameters"
    assert "city" in caught.value.message
