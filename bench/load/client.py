"""One streaming request to an OpenAI-compatible server, over a plain socket.

Bytes are looked at only as far as the times of tokens need it, so that the client takes
little of the cores that the server computes on.
"""
import asyncio
import dataclasses
import json
import re
import time
import urllib.parse

READ_BYTES = 1 << 16
TEXT = re.compile(rb'"(?:content|text)": ?"[^"]')  # not empty


@dataclasses.dataclass
class Answer:
    start: float                # when the request was due
    chunks: list                # time of each chunk that brought tokens
    tokens: int = 0             # as the server counted, else the chunks
    prompt_tokens: int = 0
    cached_tokens: int = 0
    end: float = 0.0
    error: str = ""


class Target:
    """Where requests go, and what they ask for."""

    def __init__(self, url, model, api, key, options):
        parts = urllib.parse.urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(f"{url}: give an address such as http://127.0.0.1:8080/v1")
        self.host, self.port = parts.hostname, parts.port or 80
        self.path = parts.path.rstrip("/") + ("/chat/completions" if api == "chat"
                                              else "/completions")
        self.model, self.api, self.key, self.options = model, api, key, options

    def request(self, prompt):
        body = {"model": self.model, "stream": True, "stream_options": {"include_usage": True},
                **self.options}
        if self.api == "chat":
            body["messages"] = [{"role": "user", "content": prompt}]
        else:
            body["prompt"] = prompt
        payload = json.dumps(body).encode()
        authorization = f"Authorization: Bearer {self.key}\r\n" if self.key else ""
        return (f"POST {self.path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n{authorization}"
                f"Content-Type: application/json\r\nContent-Length: {len(payload)}\r\n"
                f"Connection: close\r\n\r\n").encode() + payload


async def ask(target, prompt, due=None):
    """Sends one request and reads its stream to the end. Never raises for what the server or
    the network does: the answer's `error` says it."""
    answer = Answer(start=due if due is not None else time.perf_counter(), chunks=[])
    try:
        reader, writer = await asyncio.open_connection(target.host, target.port)
        try:
            writer.write(target.request(prompt))
            await _read(reader, answer)
        finally:
            writer.close()
    except (OSError, asyncio.IncompleteReadError, ValueError) as error:
        answer.error = str(error) or type(error).__name__
    answer.end = time.perf_counter()
    return answer


async def _read(reader, answer):
    head = await reader.readuntil(b"\r\n\r\n")
    status = head.split(b" ", 2)[1]
    if status != b"200":
        answer.error = f"status {status.decode()}: {(await reader.read(2000)).decode()}"
        return
    tail = b""
    async for data in _body(reader, b"chunked" in head.lower()):
        now = time.perf_counter()
        events = (tail + data).replace(b"\r\n", b"\n").split(b"\n\n")
        tail = events.pop()
        for event in events:
            _take(event, now, answer)
    if not answer.tokens:
        answer.tokens = len(answer.chunks)
    if not answer.chunks:
        answer.error = "the stream brought no token"


async def _body(reader, chunked):
    if not chunked:
        while data := await reader.read(READ_BYTES):
            yield data
        return
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        yield (await reader.readexactly(size + 2))[:size]


def _take(event, now, answer):
    at = event.find(b"data: ")
    data = event[at + 6:] if at >= 0 else b""
    if not data.startswith(b"{"):
        return
    if b'"usage":{' in data or b'"usage": {' in data:
        usage = json.loads(data[:data.rindex(b"}") + 1])["usage"]
        answer.tokens = usage["completion_tokens"]
        answer.prompt_tokens = usage["prompt_tokens"]
        answer.cached_tokens = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    elif TEXT.search(data):
        answer.chunks.append(now)
