"""Compares llama.cpp's logits with a stream of Lathe's float32 log-probabilities; prints JSON.
Perplexities are of the tokens that a window has after each position.

usage: llama_divergence.py MODEL.gguf STREAM SETTINGS (JSON, as bench/peers/llama_worker.py)
"""
import json
import pathlib
import sys

import numpy

import logprobs

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "peers"))
import llama_cpp.llama_cpp as lc  # noqa: E402
from llama_worker import BATCH_ROWS, Engine  # noqa: E402


def run_window(engine, ids):
    """Runs a window from an empty cache; logits of every position."""
    if len(ids) > BATCH_ROWS:
        sys.exit(f"a window of {len(ids)} tokens is longer than a batch of {BATCH_ROWS}")
    engine.use_context(1, max(len(ids), 1024))
    engine.batch.clear()
    for position, token in enumerate(ids):
        engine.batch.add(int(token), position, 0, True)
    engine.batch.batch.n_tokens = engine.batch.size
    if lc.llama_decode(engine.context, engine.batch.batch) != 0:
        sys.exit("llama_decode failed")


def log_softmax(logits):
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - numpy.log(numpy.exp(shifted).sum(axis=1, keepdims=True, dtype=numpy.float64))


def next_logprobs(rows, ids, at):
    """Of the tokens that follow; `rows` begin at position `at` of the window."""
    follow = ids[at + 1:at + 1 + len(rows)]
    return rows[numpy.arange(len(follow)), follow].astype(numpy.float64)


def compare(engine, stream):
    divergences, agreements, own, others = [], 0, [], []
    for ids, blocks in logprobs.windows(stream):
        run_window(engine, ids)
        at = 0
        for reference in blocks:
            rows = range(at, at + len(reference))
            other = log_softmax(numpy.stack([engine.logits(row) for row in rows]))
            own.append(next_logprobs(reference, ids, at))
            others.append(next_logprobs(other, ids, at))
            at = rows.stop
            terms = numpy.exp(reference) * (reference - other)
            divergences.append(terms.sum(axis=1, dtype=numpy.float64))
            agreements += int((reference.argmax(axis=1) == other.argmax(axis=1)).sum())
    values = numpy.sort(numpy.concatenate(divergences))

    def quantile(share):
        return float(values[max(int(numpy.ceil(share * len(values))), 1) - 1])

    return {"positions": len(values), "kl_mean": float(values.mean()), "kl_p99": quantile(0.99),
            "kl_p999": quantile(0.999), "kl_max": float(values[-1]),
            "top1_agreement": agreements / len(values),
            "perplexity": float(numpy.exp(-numpy.concatenate(others).mean())),
            "reference_perplexity": float(numpy.exp(-numpy.concatenate(own).mean()))}


def main():
    model, stream, settings = sys.argv[1:]
    engine = Engine(model, json.loads(settings))
    with open(stream, "rb", buffering=1 << 20) as source:
        result = compare(engine, source)
    print(json.dumps({**result, "version": engine.version}))


if __name__ == "__main__":
    main()
