"""Structured output of a real model, judged by validators that know nothing of this server."""

import concurrent.futures
import json
import pathlib
import re

import jsonschema
import openai
import pytest

SCHEMAS = json.loads((pathlib.Path(__file__).parent / "schemas.json").read_text())
GENERATIONS = 20  # of each schema; 1,000 together
PARALLEL = 8


def ask(client, model, **more):
    return client.chat.completions.create(
        model=model,
        messages=[{"role": "user", "content": "Invent an example and give it as JSON."}],
        temperature=1.0,
        max_tokens=more.pop("max_tokens", 700),
        **more,
    )


def test_every_object_is_valid_under_its_schema(client, model):
    assert len(SCHEMAS) == 50

    def run(name):
        schema = SCHEMAS[name]
        jsonschema.Draft202012Validator.check_schema(schema)
        validator = jsonschema.Draft202012Validator(
            schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
        )
        answer = ask(
            client,
            model,
            n=GENERATIONS,
            seed=sum(name.encode()),
            response_format={
                "type": "json_schema",
                "json_schema": {"name": name, "schema": schema, "strict": True},
            },
        )
        assert len(answer.choices) == GENERATIONS
        for choice in answer.choices:
            text = choice.message.content
            assert choice.finish_reason == "stop", (name, text)
            errors = [error.message for error in validator.iter_errors(json.loads(text))]
            assert not errors, (name, text, errors)
        return [choice.message.content for choice in answer.choices]

    with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
        texts = dict(zip(SCHEMAS, pool.map(run, SCHEMAS)))
    assert sum(len(of_one) for of_one in texts.values()) == 50 * GENERATIONS
    # It is the model that speaks: where there is a choice, the texts differ.
    assert len(set(texts["person"])) > GENERATIONS // 2


def test_the_same_seed_gives_the_same_object(client, model):
    def run(_):
        return ask(client, model, seed=3, extra_body={"guided_json": SCHEMAS["person"]})

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        texts = {answer.choices[0].message.content for answer in pool.map(run, range(4))}
    assert len(texts) == 1


def test_any_object_is_json(client, model):
    answer = ask(client, model, n=4, max_tokens=120, response_format={"type": "json_object"})
    for choice in answer.choices:
        assert choice.message.content.startswith("{")
        if choice.finish_reason == "stop":
            assert isinstance(json.loads(choice.message.content), dict)


@pytest.mark.parametrize(
    "extra, pattern",
    [
        ({"guided_regex": r"[A-Z][a-z]{2,8}, (19|20)\d\d"}, r"[A-Z][a-z]{2,8}, (19|20)\d\d"),
        ({"guided_choice": ["red", "green", "light blue"]}, "red|green|light blue"),
        ({"guided_grammar": 'root ::= ("ab" | [0-9]){3,5} "."'}, r"(ab|[0-9]){3,5}\."),
        ({"structured_outputs": {"regex": "(?i)yes|no"}}, "(?i)yes|no"),
    ],
)
def test_texts_match_their_pattern(client, model, extra, pattern):
    for choice in ask(client, model, n=10, extra_body=extra).choices:
        assert choice.finish_reason == "stop"
        assert re.fullmatch(pattern, choice.message.content), choice.message.content


def test_a_stream_ends_with_the_object(client, model):
    schema = SCHEMAS["person"]
    stream = ask(
        client,
        model,
        stream=True,
        seed=1,
        response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": schema}},
    )
    text = ""
    for chunk in stream:
        text += chunk.choices[0].delta.content or ""
    jsonschema.validate(json.loads(text), schema)


def test_a_schema_that_cannot_be_honoured_is_refused_by_keyword_and_path(client, model):
    for schema, where in [
        ({"properties": {"a": {"not": {}}}}, "$.properties.a.not"),
        ({"type": "integer", "minimum": 2, "maximum": 1}, "$.minimum"),
        ({"type": "array", "items": {"$ref": "#/nowhere"}}, "$.items"),
        ({"type": "string", "pattern": "(a)\\1"}, "$.pattern"),
    ]:
        with pytest.raises(openai.BadRequestError) as refusal:
            ask(client, model, extra_body={"guided_json": schema})
        assert refusal.value.param == "guided_json"
        assert where in refusal.value.message
