"""OpenVINO GenAI's continuous batching over the same GGUF file.

usage: openvino_worker.py MODEL TEXT_IDS.json SETTINGS (JSON: see DEFAULTS)
"""
import json
import pathlib
import sys

import numpy
import openvino
import openvino_genai

import amx
import worker
from jobs import TokenTimes

DEFAULTS = {"threads": 2, "amx": True, "batch_rows": 256}
CACHE_GB = 1  # of int8 keys and values, OpenVINO's default on x86: 90,000 tokens of SmolLM2


class Engine:
    version = openvino_genai.__version__

    def __init__(self, path, settings):
        settings = {**DEFAULTS, **settings}
        if not settings["amx"]:
            amx.refuse()
        scheduler = openvino_genai.SchedulerConfig()
        scheduler.cache_size = CACHE_GB
        scheduler.max_num_batched_tokens = settings["batch_rows"]
        scheduler.enable_prefix_caching = False
        self.pipeline = openvino_genai.ContinuousBatchingPipeline(
            path, scheduler, "CPU", {"INFERENCE_NUM_THREADS": settings["threads"]})
        self.requests = 0

    def serve(self, job, prompts):
        config = openvino_genai.GenerationConfig()
        config.max_new_tokens = job.generate
        config.ignore_eos = True
        config.do_sample = False
        times = TokenTimes(job.requests)
        waiting = list(range(job.requests))[::-1]
        running = {}
        while waiting or running:
            while waiting and len(running) < job.slots:
                request = waiting.pop()
                ids = openvino.Tensor(numpy.array([prompts[request]], dtype=numpy.int64))
                times.start(request)
                running[request] = self.pipeline.add_request(self.requests, ids, config)
                self.requests += 1
            self.pipeline.step()
            for request, handle in list(running.items()):
                if not handle.can_read():
                    continue
                output = next(iter(handle.read().values()))
                times.add(request, len(output.generated_ids))
                if len(times.tokens[request]) >= job.generate:
                    del running[request]
        return times.summary(job)


if __name__ == "__main__":
    model, ids, settings = sys.argv[1:]
    worker.run(lambda chosen: Engine(model, chosen), json.loads(settings),
               json.loads(pathlib.Path(ids).read_text()))
