"""Starting, stopping and failing to start."""

import signal
import subprocess
import threading

import openai
import pytest

from conftest import BINARY, MODEL, STEP_SECONDS, Server, post_text


def streamed_text(client, tokens):
    stream = client.completions.create(
        model="", prompt="Once", max_tokens=tokens, temperature=0, stream=True,
        extra_body={"ignore_eos": True},
    )  # fmt: skip
    chunks = list(stream)
    return "".join(c.choices[0].text for c in chunks), chunks[-1].choices[0].finish_reason


@pytest.mark.parametrize("which", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains(start, which):
    server = start("--grace-seconds", str(STEP_SECONDS))
    results = []
    thread = threading.Thread(target=lambda: results.append(streamed_text(server.client(), 100)))
    thread.start()
    server.wait_for(lambda: server.metric("vllm:num_requests_running") == 1, "the stream to run")
    server.process.send_signal(which)
    server.wait_for(lambda: server.get("/readyz")[0] == 503, "readiness to fail")
    assert server.get("/livez")[0] == 200
    with pytest.raises(openai.InternalServerError) as caught:  # 503
        server.client().completions.create(model="", prompt="Hi", max_tokens=1)
    assert caught.value.status_code == 503 and caught.value.code == "unavailable"
    thread.join(STEP_SECONDS)
    assert results and results[0][1] == "length"
    assert server.process.wait(STEP_SECONDS) == 0


def test_grace_over_cuts_what_still_runs(start):
    server = start("--grace-seconds", "0")
    connection = server.connect()
    body = {"prompt": "Once", "max_tokens": 2000, "ignore_eos": True, "stream": True}
    connection.sendall(post_text("/v1/completions", body).encode())
    server.wait_for(lambda: server.metric("vllm:num_requests_running") == 1, "the stream to run")
    server.process.terminate()
    assert server.process.wait(STEP_SECONDS) == 0
    while connection.recv(65536):
        pass
    connection.close()


def test_a_second_signal_ends_at_once(start):
    server = start("--grace-seconds", "1000")
    connection = server.connect()
    body = {"prompt": "Once", "max_tokens": 2000, "ignore_eos": True, "stream": True}
    connection.sendall(post_text("/v1/completions", body).encode())
    server.wait_for(lambda: server.metric("vllm:num_requests_running") == 1, "the stream to run")
    server.process.send_signal(signal.SIGTERM)
    server.wait_for(lambda: server.get("/readyz")[0] == 503, "readiness to fail")
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(STEP_SECONDS) == 128 + signal.SIGTERM
    connection.close()


def serve(*args):
    return subprocess.run(
        [BINARY, "serve", "--model", MODEL, *args],
        capture_output=True, text=True, timeout=STEP_SECONDS,
    )  # fmt: skip


def test_a_taken_port_is_told_with_the_way_out(server):
    done = serve("--port", str(server.port))
    assert done.returncode == 1 and done.stdout == ""
    assert f"port {server.port} of 127.0.0.1 is already in use" in done.stderr
    assert "--port" in done.stderr


def test_an_open_address_needs_a_decision(start):
    done = serve("--host", "0.0.0.0", "--port", "0")
    assert done.returncode == 1
    assert "--api-key-file" in done.stderr and "--open" in done.stderr
    opened = start("--host", "0.0.0.0", "--open")
    status, _, _ = opened.ask("GET /v1/models HTTP/1.1\r\nHost: anything.example\r\n\r\n")
    assert status == 200


def test_a_missing_model_is_told(tmp_path):
    done = subprocess.run(
        [BINARY, "serve", "--model", str(tmp_path / "none.gguf"), "--port", "0"],
        capture_output=True, text=True, timeout=STEP_SECONDS,
    )  # fmt: skip
    assert done.returncode == 1 and "none.gguf" in done.stderr


def test_the_command_line_is_checked():
    for args in (["--port", "99999"], ["--bogus"], ["--activations", "int3"]):
        done = serve(*args)
        assert done.returncode == 2, args
        assert done.stderr
