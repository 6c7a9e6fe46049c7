#!/usr/bin/env python3
"""The client of bench/load against a server that says what the test wants.

    load_test.py
"""
import asyncio
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "bench" / "load"))
import arrivals  # noqa: E402
import client  # noqa: E402
import drive  # noqa: E402
from prompts import Prompts  # noqa: E402
from summary import summarize  # noqa: E402

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
EVENTS = (b'data: {"choices":[{"delta":{"role":"assistant","content":""}}]}\n\n',
          b'data: {"choices":[{"delta":{"content":"say \\"usage\\":{"}}]}\n\n',
          b'data: {"choices":[{"delta":{"content":" b"}}]}\n\n',
          b'data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":3,'
          b'"prompt_tokens_details":{"cached_tokens":4}}}\n\n',
          b"data: [DONE]\n\n")


def chunked(*pieces):
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def asked(answer_bytes, ask):
    """`ask(target)` against a server that answers every request with `answer_bytes`."""
    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer_bytes)
        await writer.drain()
        writer.close()

    async def run():
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            return await ask(client.Target(f"http://127.0.0.1:{port}/v1", "m", "chat", "", {}))

    return asyncio.run(run())


class LoadTest(unittest.TestCase):
    def check_stream(self, *pieces):
        answer = asked(HEAD + chunked(*pieces), lambda target: client.ask(target, "hi"))
        self.assertEqual(answer.error, "")
        self.assertEqual(len(answer.chunks), 2)
        self.assertEqual((answer.tokens, answer.prompt_tokens, answer.cached_tokens), (3, 9, 4))

    def test_tokens_are_counted_however_the_stream_is_cut(self):
        self.check_stream(*EVENTS)
        self.check_stream(b"".join(EVENTS))
        stream = b"".join(EVENTS)
        self.check_stream(*(stream[i:i + 7] for i in range(0, len(stream), 7)))

    def test_what_goes_wrong_is_an_error_of_the_answer(self):
        refused = asked(b"HTTP/1.1 404 Not Found\r\n\r\nno such model",
                        lambda target: client.ask(target, "hi"))
        self.assertIn("no such model", refused.error)
        cut = asked(HEAD + chunked(*EVENTS)[:40], lambda target: client.ask(target, "hi"))
        self.assertNotEqual(cut.error, "")
        empty = asked(HEAD + chunked(EVENTS[-1]), lambda target: client.ask(target, "hi"))
        self.assertEqual(empty.error, "the stream brought no token")

    def test_both_loops_send_every_request_once(self):
        prompts = Prompts("some words to cut", 3, 0)
        for loop in (lambda target: drive.closed_loop(target, prompts, 3, 8),
                     lambda target: drive.open_loop(target, prompts, [0, 0, 0.01] * 2 + [0.02] * 2)):
            summary = summarize(asked(HEAD + chunked(*EVENTS), loop), 0.1)
            self.assertEqual((summary["requests"], summary["failed"]), (8, 0))
            self.assertEqual(summary["generated_tokens"], 24)

    def test_arrivals_keep_their_rate(self):
        times = list(arrivals.poisson(10, 2000, seed=1))
        self.assertEqual(times, sorted(times))
        self.assertAlmostEqual(times[-1], 200, delta=20)
        self.assertEqual(times, list(arrivals.poisson(10, 2000, seed=1)))
        self.assertEqual(list(arrivals.uniform(4, 3)), [0, 0.25, 0.5])
        self.assertEqual(list(arrivals.burst(4, 5, 2)), [0, 0, 0.5, 0.5, 1])

    def test_prompts_share_only_what_they_should(self):
        prompts = Prompts("a b c d e f g", 4, 3)
        first, second = prompts.prompt(1).split(), prompts.prompt(2).split()
        self.assertEqual(first[:3], second[:3])
        self.assertNotEqual(first[3], second[3])
        self.assertEqual(len(first), 7)


if __name__ == "__main__":
    unittest.main()
