"""Starts `lathe serve` processes for the tests and talks to them."""

import json
import os
import re
import socket
import subprocess
import time

import openai
import pytest

BINARY = os.environ["LATHE_BINARY"]
MODEL = os.environ["LATHE_MODEL"]
STEP_SECONDS = 600  # a bound against hanging, not an expectation


class Server:
    """A running `lathe serve`. `args` come after the model and a free port."""

    def __init__(self, *args, wait=True, model=MODEL):
        self.log = open(os.devnull, "w") if not os.environ.get("LATHE_TEST_LOG") else None
        command = [BINARY, "serve", "--model", model, *args]
        if "--port" not in args:
            command += ["--port", "0"]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=self.log, text=True, bufsize=1
        )
        self.port = None
        self.health_port = None
        if wait:
            line = self.process.stdout.readline()
            match = re.search(r"http://[^ ]*:(\d+)", line)
            assert match, f"the server said {line!r}"
            self.port = int(match[1])
            if "--health-port" in args:
                self.health_port = int(self.process.stdout.readline().split()[-1])

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def client(self, key="none", **options):
        options.setdefault("max_retries", 0)
        return openai.OpenAI(
            base_url=self.url + "/v1", api_key=key, timeout=STEP_SECONDS, **options
        )

    def connect(self, port=None):
        connection = socket.create_connection(("127.0.0.1", port or self.port), STEP_SECONDS)
        return connection

    def ask(self, text, port=None):
        """Sends raw bytes on a connection of their own; gives status, head and body."""
        with self.connect(port) as connection:
            connection.sendall(text if isinstance(text, bytes) else text.encode())
            return read_response(connection)

    def get(self, path, port=None):
        return self.ask(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n", port)

    def metric(self, name, **labels):
        """The sum of the series of that name that carry these labels."""
        total = 0.0
        for line in self.get("/metrics")[2].splitlines():
            match = re.match(r"([^{ ]+)(\{[^}]*\})? (\S+)$", line)
            if not match or match[1] != name:
                continue
            if all(f'{key}="{value}"' in (match[2] or "") for key, value in labels.items()):
                total += float(match[3])
        return total

    def wait_for(self, condition, what):
        deadline = time.monotonic() + STEP_SECONDS
        while not condition():
            assert time.monotonic() < deadline, f"waited in vain for {what}"
            time.sleep(0.02)

    def wait_until_idle(self):
        self.wait_for(
            lambda: self.metric("vllm:num_requests_running") == 0
            and self.metric("vllm:num_requests_waiting") == 0,
            "the engine to be idle",
        )

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STEP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()
        return self.process.returncode


def read_response(connection):
    """One response with a content-length, or until the server closes."""
    data = b""
    while True:
        if b"\r\n\r\n" in data:
            head, _, body = data.partition(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head)
            if length and len(body) >= int(length[1]):
                break
        piece = connection.recv(65536)
        if not piece:
            break
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    status = int(head.split()[1]) if head else 0
    return status, head.decode(), body.decode()


def post_text(path, body, headers=""):
    body = body if isinstance(body, str) else json.dumps(body)
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"{headers}Content-Length: {len(body.encode())}\r\n\r\n{body}"
    )


@pytest.fixture(scope="session")
def server():
    running = Server("--grace-seconds", "5")
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="session")
def client(server):
    return server.client()


@pytest.fixture(scope="session")
def model(client):
    return client.models.list().data[0].id


@pytest.fixture
def start():
    """start(*args) gives a server of one's own, stopped after the test."""
    servers = []

    def make(*args, **options):
        servers.append(Server(*args, **options))
        return servers[-1]

    yield make
    for one in servers:
        one.stop()
