"""llama.cpp through its low-level API, with continuous batching as its server does it: a row
for every sequence that generates, then prompts, up to n_batch rows a llama_decode.

usage: llama_worker.py MODEL TEXT_IDS.json SETTINGS (JSON: see DEFAULTS)
"""
import ctypes
import json
import pathlib
import sys

import llama_cpp
import llama_cpp.llama_cpp as lc
import numpy

import amx
import worker
from jobs import TokenTimes

DEFAULTS = {"threads": 2, "amx": True, "repack": True, "flash": True, "ubatch": 512,
            "unified_kv": False}
BATCH_ROWS = 2048

_quiet = lc.llama_log_callback(lambda level, text, data: None)


class Batch:
    """Rows of one llama_decode."""

    def __init__(self):
        self.batch = lc.llama_batch_init(BATCH_ROWS, 0, 1)
        self.size = 0

    def clear(self):
        self.size = 0

    def add(self, token, position, sequence, logits):
        i, batch = self.size, self.batch
        batch.token[i], batch.pos[i], batch.logits[i] = token, position, logits
        batch.n_seq_id[i], batch.seq_id[i][0] = 1, sequence
        self.size += 1
        return i


class Engine:
    version = llama_cpp.__version__

    def __init__(self, path, settings):
        self.settings = {**DEFAULTS, **settings}
        if not self.settings["amx"]:
            amx.refuse()
        lc.llama_log_set(_quiet, ctypes.c_void_p(0))
        lc.llama_backend_init()
        params = lc.llama_model_default_params()
        params.use_extra_bufts = self.settings["repack"]
        self.model = lc.llama_model_load_from_file(path.encode(), params)
        if not self.model:
            sys.exit(f"llama.cpp cannot load {path}")
        self.vocab = lc.llama_vocab_n_tokens(lc.llama_model_get_vocab(self.model))
        self.batch = Batch()
        self.context, self.context_of = None, None
        self.use_context(1, 1024)

    def use_context(self, slots, length):
        """A context with room for `slots` sequences of `length` tokens."""
        if self.context_of == (slots, length):
            lc.llama_memory_clear(lc.llama_get_memory(self.context), True)
            return
        if self.context:
            lc.llama_free(self.context)
        params = lc.llama_context_default_params()
        params.n_ctx = slots * (-(-length // 256) * 256)
        params.n_batch = BATCH_ROWS
        params.n_ubatch = self.settings["ubatch"]
        params.n_seq_max = slots
        params.n_threads = params.n_threads_batch = self.settings["threads"]
        params.kv_unified = self.settings["unified_kv"]
        params.flash_attn_type = int(self.settings["flash"])
        params.no_perf = True
        self.context = lc.llama_init_from_model(self.model, params)
        if not self.context:
            sys.exit(f"llama.cpp cannot make a context of {params.n_ctx} tokens")
        self.context_of = (slots, length)

    def serve(self, job, prompts):
        self.use_context(job.slots, job.length)
        memory = lc.llama_get_memory(self.context)
        times = TokenTimes(job.requests)
        slots = [None] * job.slots  # [request, tokens in the cache, last token]
        waiting = list(range(job.requests))[::-1]
        while waiting or any(slots):
            for i, slot in enumerate(slots):
                if not slot and waiting:
                    slots[i] = [waiting.pop(), 0, None]
                    times.start(slots[i][0])
            for index, row in self._step(slots, prompts).items():
                slot = slots[index]
                slot[2] = self._likeliest(row)
                times.add(slot[0])
                if len(times.tokens[slot[0]]) == job.generate:
                    lc.llama_memory_seq_rm(memory, index, -1, -1)
                    slots[index] = None
        return times.summary(job)

    def _step(self, slots, prompts):
        """Runs one batch; returns which row holds the logits of which slot."""
        self.batch.clear()
        rows = {}
        active = [(index, slot) for index, slot in enumerate(slots) if slot]
        for index, slot in active:
            if slot[2] is not None:
                rows[index] = self.batch.add(slot[2], slot[1], index, True)
                slot[1] += 1
        for index, slot in active:
            prompt = prompts[slot[0]]
            while slot[2] is None and slot[1] < len(prompt) and self.batch.size < BATCH_ROWS:
                last = slot[1] + 1 == len(prompt)
                row = self.batch.add(prompt[slot[1]], slot[1], index, last)
                slot[1] += 1
                if last:
                    rows[index] = row
        self.batch.batch.n_tokens = self.batch.size
        if lc.llama_decode(self.context, self.batch.batch) != 0:
            sys.exit("llama_decode failed")
        lc.llama_synchronize(self.context)
        return rows

    def _likeliest(self, row):
        return int(self.logits(row).argmax())

    def logits(self, row):
        pointer = lc.llama_get_logits_ith(self.context, row)
        return numpy.ctypeslib.as_array(pointer, shape=(self.vocab,))


if __name__ == "__main__":
    model, ids, settings = sys.argv[1:]
    worker.run(lambda chosen: Engine(model, chosen), json.loads(settings),
               json.loads(pathlib.Path(ids).read_text()))
