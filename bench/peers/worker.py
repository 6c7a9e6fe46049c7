"""The side of a worker that talks to bench/peers/run: JSON lines on standard input and output.

    worker prints  {"ready": {...}}       once its model is loaded
    reads          {"job": "32x120/64"}   does it, prints {"result": {...}}
    ends           at the end of its input
"""
import json
import os
import resource
import sys
import time

from jobs import Job, PromptCutter


def peak_resident_bytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def run(load, settings, text_ids):
    """`load(settings)` returns an engine with `version` and `serve(job, prompts) -> summary`."""
    # What the engines' own libraries print must not get between the lines.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def say(message):
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    before = peak_resident_bytes()
    start = time.perf_counter()
    engine = load(settings)
    say({"ready": {"load_seconds": time.perf_counter() - start, "version": engine.version,
                   "bytes_before_load": before,
                   "loaded_peak_resident_bytes": peak_resident_bytes()}})
    cutter = PromptCutter(text_ids)
    for line in sys.stdin:
        job = Job.parse(json.loads(line)["job"])
        prompts = cutter.prompts(job)
        before = time.process_time()
        result = engine.serve(job, prompts)
        say({"result": {**result, "cpu_seconds": time.process_time() - before}})
