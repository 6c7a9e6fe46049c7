"""The official Python client against the server."""

import concurrent.futures
import inspect
import math

import openai
import pytest

QUESTION = [{"role": "user", "content": "Name three colours, please."}]


def test_lists_and_retrieves_models(client, model):
    page = client.models.list()
    assert [entry.id for entry in page.data] == [model]
    one = client.models.retrieve(model)
    assert one.object == "model" and one.max_model_len > 0
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("no-such-model")
    assert caught.value.code == "model_not_found"


def test_answers_a_chat(client, model):
    answer = client.chat.completions.create(
        model=model, messages=QUESTION, temperature=0, max_tokens=24
    )
    choice = answer.choices[0]
    assert answer.object == "chat.completion" and answer.id.startswith("chatcmpl-")
    assert choice.message.role == "assistant" and choice.message.content
    assert choice.finish_reason in ("stop", "length")
    usage = answer.usage
    assert usage.prompt_tokens > 0 and 0 < usage.completion_tokens <= 24
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens


def test_streams_the_same_text_with_usage(client, model):
    request = dict(model=model, messages=QUESTION, temperature=0, max_tokens=24)
    whole = client.chat.completions.create(**request)
    chunks = list(
        client.chat.completions.create(
            **request, stream=True, stream_options={"include_usage": True}
        )
    )
    assert chunks[0].choices[0].delta.role == "assistant"
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == whole.choices[0].message.content
    finishes = [c.choices[0].finish_reason for c in chunks if c.choices]
    assert finishes[-1] == whole.choices[0].finish_reason
    assert all(reason is None for reason in finishes[:-1])
    assert chunks[-1].choices == [] and chunks[-1].usage == whole.usage
    assert all(c.usage is None for c in chunks[:-1])
    assert {c.id for c in chunks} == {chunks[0].id}


def test_gives_logprobs(client, model):
    answer = client.chat.completions.create(
        model=model, messages=QUESTION, temperature=0, max_tokens=5, logprobs=True, top_logprobs=4
    )
    content = answer.choices[0].logprobs.content
    assert len(content) == answer.usage.completion_tokens
    for token in content:
        assert len(token.top_logprobs) == 4
        ordered = [top.logprob for top in token.top_logprobs]
        assert ordered == sorted(ordered, reverse=True)
        assert token.logprob == ordered[0], "greedy takes the best"
        assert bytes(token.bytes).decode(errors="replace")
        assert sum(math.exp(p) for p in ordered) <= 1.0001


def test_gives_n_choices(client, model):
    answer = client.chat.completions.create(
        model=model, messages=QUESTION, n=3, seed=5, temperature=1, max_tokens=12
    )
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert len({choice.message.content for choice in answer.choices}) > 1
    again = client.chat.completions.create(
        model=model, messages=QUESTION, n=3, seed=5, temperature=1, max_tokens=12
    )
    assert [c.message.content for c in again.choices] == [c.message.content for c in answer.choices]


def test_stops_at_stop_strings(client, model):
    request = dict(model=model, messages=QUESTION, temperature=0, max_tokens=24)
    text = client.chat.completions.create(**request).choices[0].message.content
    stop = text[len(text) // 2 : len(text) // 2 + 4]
    cut = client.chat.completions.create(**request, stop=["\u0001never", stop]).choices[0]
    assert cut.message.content == text[: text.index(stop)]
    assert cut.finish_reason == "stop"
    streamed = client.chat.completions.create(**request, stop=stop, stream=True)
    pieces = [c.choices[0].delta.content or "" for c in streamed]
    assert "".join(pieces) == cut.message.content


def test_continues_text_and_ids_alike(client, server, model):
    import json

    prompt = "The capital of France is"
    _, _, body = server.ask(
        "POST /tokenize HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        + f"Content-Length: {len(json.dumps({'model': model, 'prompt': prompt}))}\r\n\r\n"
        + json.dumps({"model": model, "prompt": prompt})
    )
    ids = json.loads(body)["tokens"]
    request = dict(model=model, temperature=0, max_tokens=6)
    by_text = client.completions.create(prompt=prompt, **request)
    by_ids = client.completions.create(prompt=ids, **request)
    assert by_text.choices[0].text == by_ids.choices[0].text
    batch = client.completions.create(prompt=[prompt, "Once upon a time"], **request)
    assert [choice.index for choice in batch.choices] == [0, 1]
    assert batch.choices[0].text == by_text.choices[0].text
    by_lists = client.completions.create(prompt=[ids, ids], n=2, **request)
    assert [choice.text for choice in by_lists.choices] == [by_text.choices[0].text] * 4


def test_scores_an_echoed_prompt(client, model):
    prompt = "The sky is blue, naïve and 天."
    answer = client.completions.create(
        model=model, prompt=prompt, max_tokens=1, echo=True, logprobs=1, temperature=0, seed=1234
    )
    choice = answer.choices[0]
    scores = choice.logprobs
    count = answer.usage.prompt_tokens + 1
    assert len(scores.tokens) == len(scores.token_logprobs) == count
    assert len(scores.top_logprobs) == len(scores.text_offset) == count
    assert scores.token_logprobs[0] is None and scores.top_logprobs[0] is None
    assert all(p <= 0 for p in scores.token_logprobs[1:])
    for name, score, top in zip(scores.tokens[1:], scores.token_logprobs[1:], scores.top_logprobs[1:]):
        assert top[name] == pytest.approx(score)
        assert max(top.values()) >= score
    assert choice.text.startswith(prompt)
    assert scores.text_offset == sorted(scores.text_offset)
    assert scores.text_offset[-1] == len(prompt)
    # The scores of a prefix do not depend on what follows.
    shorter = client.completions.create(
        model=model, prompt="The sky is blue", max_tokens=1, echo=True, logprobs=1, temperature=0
    )
    ours = shorter.choices[0].logprobs.token_logprobs[1:-1]
    assert ours == pytest.approx(scores.token_logprobs[1 : 1 + len(ours)], abs=1e-5)


def test_refuses_with_typed_errors(client, model):
    create = client.chat.completions.create
    with pytest.raises(openai.BadRequestError) as caught:
        create(model=model, messages=QUESTION, temperature=3)
    assert caught.value.param == "temperature" and "0 to 2" in caught.value.message
    assert caught.value.type == "invalid_request_error"
    with pytest.raises(openai.BadRequestError) as caught:
        create(model=model, messages=[{"role": "user", "content": "long " * 100_000}])
    assert caught.value.code == "context_length_exceeded"
    with pytest.raises(openai.NotFoundError) as caught:
        create(model="other", messages=QUESTION)
    assert caught.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError) as caught:
        create(model=model, messages=QUESTION, extra_body={"temprature": 1})
    assert "did you mean" in caught.value.message
    with pytest.raises(openai.BadRequestError) as caught:
        create(model=model, messages=QUESTION, max_tokens=10**9)
    assert caught.value.param == "max_tokens"


SAMPLES = {
    "audio": {"voice": "alloy", "format": "mp3"},
    "best_of": 4,
    "echo": True,
    "frequency_penalty": 0.5,
    "function_call": "auto",
    "functions": [{"name": "f"}],
    "logit_bias": {"5": -100},
    "logprobs": None,
    "max_completion_tokens": 3,
    "max_tokens": 3,
    "metadata": {"a": "b"},
    "modalities": ["text", "audio"],
    "moderation": {"model": "m"},
    "n": 2,
    "parallel_tool_calls": False,
    "prediction": {"type": "content", "content": "x"},
    "presence_penalty": 0.5,
    "prompt_cache_key": "k",
    "prompt_cache_options": {},
    "prompt_cache_retention": "24h",
    "reasoning_effort": "low",
    "response_format": {"type": "json_object"},
    "safety_identifier": "s",
    "seed": 3,
    "service_tier": "flex",
    "stop": ["x"],
    "store": True,
    "stream": False,
    "stream_options": {"include_usage": True},
    "suffix": "end",
    "temperature": 0.5,
    "tool_choice": "required",
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
    "top_logprobs": 2,
    "top_p": 0.5,
    "user": "u",
    "verbosity": "low",
    "web_search_options": {},
}
HONOURED_OR_HARMLESS = {
    "frequency_penalty", "logit_bias", "max_completion_tokens", "max_tokens", "metadata", "n",
    "presence_penalty", "prompt_cache_key", "response_format", "prompt_cache_options", "prompt_cache_retention",
    "safety_identifier", "seed", "stop", "stream", "temperature", "top_p", "user", "echo",
    "parallel_tool_calls", "tools",
}  # fmt: skip


@pytest.mark.parametrize("kind", ["chat", "completions"])
def test_honours_or_refuses_every_parameter_the_client_knows(client, model, kind):
    create = (client.chat.completions if kind == "chat" else client.completions).create
    base = {"model": model, "max_tokens": 2}
    base |= {"messages": QUESTION} if kind == "chat" else {"prompt": "Hello"}
    names = set(inspect.signature(create).parameters) - set(base)
    names -= {"extra_headers", "extra_query", "extra_body", "timeout"}
    for name in sorted(names):
        sample = SAMPLES[name]  # a KeyError: the client knows something new
        if name == "logprobs":
            sample = True if kind == "chat" else 2
        request = base | {name: sample}
        if name == "max_completion_tokens":
            del request["max_tokens"]
        accepted = name in HONOURED_OR_HARMLESS or name == "logprobs"
        try:
            create(**request)
            assert accepted, f"{name} was ignored"
        except openai.BadRequestError as error:
            assert not accepted, f"{name}: {error.message}"
            assert error.param == name


def test_thirty_two_streams_give_each_its_own_text(client, model):
    def text(i):
        stream = client.chat.completions.create(
            model=model,
            messages=[{"role": "user", "content": f"Count on from {i}."}],
            temperature=0.8,
            seed=i,
            max_tokens=16,
            stream=True,
        )
        return "".join(c.choices[0].delta.content or "" for c in stream if c.choices)

    alone = [text(i) for i in range(32)]
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        together = list(pool.map(text, range(32)))
    assert together == alone
    assert len(set(alone)) > 16
