"""What clients of other kinds do: curl, raw sockets, and those that misbehave."""

import json
import shutil
import socket
import subprocess

import openai
import pytest

from conftest import STEP_SECONDS, post_text, read_response

LONG = {"prompt": "Once", "max_tokens": 2000, "ignore_eos": True, "temperature": 0}


def curl(server, *args):
    assert shutil.which("curl"), "the tests need curl"
    done = subprocess.run(
        ["curl", "-sS", "--max-time", str(STEP_SECONDS), *args],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


def test_curl_chats(server):
    body = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 4}
    text = curl(
        server, server.url + "/v1/chat/completions",
        "-H", "Content-Type: application/json", "-d", json.dumps(body),
    )  # fmt: skip
    assert json.loads(text)["choices"][0]["message"]["role"] == "assistant"


def test_curl_without_the_content_type_is_told(server):
    text = curl(server, server.url + "/v1/completions", "-d", '{"prompt":"Hi"}')
    assert "Content-Type: application/json" in json.loads(text)["error"]["message"]


def test_curl_streams_and_sends_large_bodies_after_asking(server, tmp_path):
    body = tmp_path / "body.json"
    prompt = "word " * 400_000  # 2 MB: curl sends Expect: 100-continue
    body.write_text(json.dumps({"prompt": prompt, "max_tokens": 2, "temperature": 0, "truncate_prompt_tokens": 8}))
    common = ["-H", "Content-Type: application/json"]
    text = curl(server, server.url + "/v1/completions", *common, "--data-binary", f"@{body}")
    assert json.loads(text)["usage"]["prompt_tokens"] == 8
    chunked = curl(
        server, server.url + "/v1/completions", *common, "-H", "Transfer-Encoding: chunked",
        "--data-binary", f"@{body}",
    )  # fmt: skip
    assert json.loads(chunked)["choices"] == json.loads(text)["choices"]
    stream = curl(
        server, "-N", server.url + "/v1/completions", *common,
        "-d", '{"prompt":"Hi","max_tokens":3,"stream":true}',
    )  # fmt: skip
    assert stream.startswith("data: {") and stream.endswith("\n\ndata: [DONE]\n\n")


def test_a_client_that_leaves_frees_its_place(server):
    def close(connection):
        connection.close()

    def half_close(connection):
        connection.shutdown(socket.SHUT_WR)

    for leave in (close, half_close):
        for stream in (True, False):
            aborted = server.metric("vllm:request_success_total", finished_reason="abort")
            connection = server.connect()
            connection.sendall(post_text("/v1/completions", LONG | {"stream": stream}).encode())
            server.wait_for(
                lambda: server.metric("vllm:num_requests_running") == 1, "the request to run"
            )
            leave(connection)
            server.wait_until_idle()
            assert server.metric("vllm:kv_cache_usage_perc") == 0
            after = server.metric("vllm:request_success_total", finished_reason="abort")
            assert after == aborted + 1
            connection.close()


def test_a_slow_client_does_not_disturb_others(server):
    slow = [server.connect() for _ in range(50)]
    for connection in slow:
        connection.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nX-")
    status, _, _ = server.ask(post_text("/v1/completions", {"prompt": "Hi", "max_tokens": 2}))
    assert status == 200
    for connection in slow:  # ends within its time for headers
        status, _, body = read_response(connection)
        assert status == 408 and json.loads(body)["error"]["code"] == "timeout"
        connection.close()


def test_oversized_bodies_and_headers_are_refused_with_the_limit(server):
    status, _, body = server.ask(
        "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\n"
        "Content-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n{"
    )
    assert status == 413 and "16777216 bytes" in json.loads(body)["error"]["message"]
    status, _, _ = server.ask("GET / HTTP/1.1\r\nHost: localhost\r\nX: " + "x" * 20_000)
    assert status == 431


@pytest.mark.parametrize(
    "body",
    ["", "{", "[" * 1_000_000, '{"prompt":' * 100_000, '{"prompt":"\ud800"}', "null", '{"a":1}{}'],
    ids=["empty", "half", "deep", "deep objects", "surrogate", "null", "two"],
)
def test_bad_json_is_a_400(server, body):
    text = body.encode("utf-8", "surrogatepass")
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
    )
    status, _, answer = server.ask(head.encode() + text)
    assert status == 400 and json.loads(answer)["error"]["type"] == "invalid_request_error"


def test_unknown_routes_methods_and_hosts_are_told(server):
    status, _, body = server.get("/v2/nothing")
    assert status == 404 and json.loads(body)["error"]["code"] == "not_found"
    status, head, _ = server.ask("DELETE /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert status == 405 and "allow: GET, HEAD" in head
    status, _, _ = server.ask("GET /v1/models HTTP/1.1\r\nHost: evil.example\r\n\r\n")
    assert status == 403


def test_request_ids_come_back(server):
    _, head, _ = server.ask(
        "GET /v1/models HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: mine-7\r\n\r\n"
    )
    assert "x-request-id: mine-7" in head


def test_health_answers_while_the_model_works(start):
    server = start("--health-port", "0")
    connections = []
    for _ in range(8):
        connection = server.connect()
        connection.sendall(post_text("/v1/completions", LONG).encode())
        connections.append(connection)
    server.wait_for(lambda: server.metric("vllm:num_requests_running") == 8, "all to run")
    for port in (server.port, server.health_port):
        for path in ("/livez", "/readyz", "/health"):
            assert server.get(path, port)[0] == 200
    assert server.get("/v1/models", server.health_port)[0] == 404
    for connection in connections:
        connection.close()


def test_a_full_queue_is_a_429(start):
    server = start("--max-running", "1", "--max-queue", "1")
    connections = []
    for count in (1, 2):
        connection = server.connect()
        connection.sendall(post_text("/v1/completions", LONG).encode())
        connections.append(connection)
        server.wait_for(
            lambda: server.metric("vllm:num_requests_running")
            + server.metric("vllm:num_requests_waiting") == count
            and server.metric("vllm:num_requests_running") == 1,
            "the place and the queue to fill",
        )  # fmt: skip
    with pytest.raises(openai.RateLimitError) as caught:
        server.client().completions.create(model="", prompt="Hi", max_tokens=1)
    assert caught.value.code == "rate_limit_exceeded"
    assert caught.value.response.headers["retry-after"] == "1"
    for connection in connections:
        connection.close()
    server.wait_until_idle()
    assert server.client().completions.create(model="", prompt="Hi", max_tokens=1).choices


def test_keys_guard_every_route_but_health_and_console(start, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text("# test\nlathe-test-key-0123456789\n")
    server = start("--api-key-file", str(keys))
    with pytest.raises(openai.AuthenticationError) as caught:
        server.client("wrong").models.list()
    assert caught.value.code == "invalid_api_key"
    assert server.client("lathe-test-key-0123456789").models.list().data
    for path in ("/v1/models", "/v1/models/x", "/metrics", "/nothing"):
        assert server.get(path)[0] == 401
    for path in ("/v1/chat/completions", "/v1/completions", "/tokenize", "/detokenize"):
        assert server.ask(post_text(path, {}))[0] == 401
    for path in ("/livez", "/readyz", "/health"):
        assert server.get(path)[0] == 200
