"""The work of `lathe bench` done by llama.cpp through its low-level API; prints JSON.

usage: llama_cpp.py MODEL.gguf --threads N [--flash] [--prompt 128,512] [--sequences 1,8,32]
"""
import argparse
import ctypes
import json
import statistics
import time

import llama_cpp
import llama_cpp.llama_cpp as lc


class Context:
    def __init__(self, path, threads, flash, sequences_max):
        lc.llama_backend_init()
        lc.llama_log_set(self._quiet(), ctypes.c_void_p(0))
        self.model = lc.llama_model_load_from_file(path.encode(), lc.llama_model_default_params())
        if not self.model:
            raise SystemExit(f"llama.cpp cannot load {path}")
        params = lc.llama_context_default_params()
        params.n_ctx = 256 * sequences_max + 2048
        params.n_batch = params.n_ubatch = 512
        params.n_seq_max = sequences_max
        params.n_threads = params.n_threads_batch = threads
        params.kv_unified = True
        if hasattr(params, "flash_attn_type"):
            params.flash_attn_type = 1 if flash else 0
        else:
            params.flash_attn = flash
        self.context = lc.llama_init_from_model(self.model, params)
        self.vocab = lc.llama_vocab_n_tokens(lc.llama_model_get_vocab(self.model))

    @staticmethod
    def _quiet():
        callback = lc.llama_log_callback(lambda level, text, data: None)
        Context._callback = callback
        return callback

    def forget(self):
        lc.llama_memory_clear(lc.llama_get_memory(self.context), True)

    def run(self, rows):
        """rows: (token, position, sequence, wants logits)"""
        batch = lc.llama_batch_init(len(rows), 0, 1)
        batch.n_tokens = len(rows)
        for i, (token, position, sequence, logits) in enumerate(rows):
            batch.token[i] = token
            batch.pos[i] = position
            batch.n_seq_id[i] = 1
            batch.seq_id[i][0] = sequence
            batch.logits[i] = logits
        if lc.llama_decode(self.context, batch) != 0:
            raise SystemExit("llama_decode failed")
        lc.llama_synchronize(self.context)
        lc.llama_batch_free(batch)

    def token(self, i):
        return 1 + i * 7919 % (self.vocab - 1)

    def prefill(self, length, sequence=0):
        for start in range(0, length, 512):
            end = min(length, start + 512)
            self.run([(self.token(i), i, sequence, i + 1 == length) for i in range(start, end)])


def median(run, repeat):
    run()
    return statistics.median(run() for _ in range(repeat))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--flash", action="store_true")
    parser.add_argument("--prompt", default="128,512")
    parser.add_argument("--sequences", default="1,8,32")
    parser.add_argument("--depth", type=int, default=128)
    parser.add_argument("--generate", type=int, default=32)
    parser.add_argument("--repeat", type=int, default=3)
    args = parser.parse_args()
    sequences = [int(n) for n in args.sequences.split(",")]
    context = Context(args.model, args.threads, args.flash, max(sequences))
    results = []

    def prefill(length):
        context.forget()
        start = time.perf_counter()
        context.prefill(length)
        return length / (time.perf_counter() - start)

    def decode(count):
        context.forget()
        for sequence in range(count):
            context.prefill(args.depth, sequence)
        start = time.perf_counter()
        for step in range(args.generate):
            context.run([(context.token(step), args.depth + step, s, True) for s in range(count)])
        return count * args.generate / (time.perf_counter() - start)

    for length in map(int, args.prompt.split(",")):
        results.append({"work": f"prefill {length}",
                        "tokens_per_second": median(lambda: prefill(length), args.repeat)})
    for count in sequences:
        results.append({"work": f"decode, {count} sequences at {args.depth}",
                        "tokens_per_second": median(lambda: decode(count), args.repeat)})
    print(json.dumps({"engine": "llama.cpp", "version": llama_cpp.__version__, "flash": args.flash,
                      "threads": args.threads, "results": results}, indent=2))


if __name__ == "__main__":
    main()
