"""lm-evaluation-harness with transformers, in a process that keeps its model loaded.

usage: harness_worker.py FOLDER DTYPE THREADS

JSON lines on standard input and output, as bench/peers/worker.py:
    prints  {"ready": {...}}
    reads   {"task": PATH.yaml, "limit": N or null, "batch_size": N}
    prints  {"result": {"seconds", "documents", "scores", "cpu_seconds"}}
Seconds are those of simple_evaluate without bootstrap: reading the task, asking, scoring.
"""
import json
import os
import resource
import sys
import time

answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # what libraries print must not get between the lines
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import lm_eval  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
from lm_eval.models.huggingface import HFLM  # noqa: E402
from lm_eval.tasks import TaskManager  # noqa: E402

TASKS = TaskManager(include_defaults=False)  # else it reads thousands of files each time


def say(message):
    answers.write(json.dumps(message) + "\n")
    answers.flush()


def evaluate(model, task, limit, batch_size):
    model.batch_size_per_gpu = batch_size
    task = os.path.abspath(task)
    os.chdir(os.path.dirname(task))  # the harness takes data paths from where it runs
    begin, cpu = time.perf_counter(), time.process_time()
    with torch.inference_mode():
        report = lm_eval.simple_evaluate(model, tasks=[task], limit=limit, bootstrap_iters=0,
                                         task_manager=TASKS)
    [(name, scores)] = report["results"].items()
    return {"seconds": time.perf_counter() - begin, "cpu_seconds": time.process_time() - cpu,
            "documents": report["n-samples"][name]["effective"],
            "scores": {key: value for key, value in scores.items()
                       if "," in key and "stderr" not in key}}


def main():
    folder, dtype, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    torch.set_num_threads(threads)
    begin = time.perf_counter()
    model = HFLM(pretrained=folder, dtype=dtype, device="cpu", batch_size=1)
    say({"ready": {"load_seconds": time.perf_counter() - begin,
                   "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
                   "version": f"lm_eval {lm_eval.__version__}, transformers "
                              f"{transformers.__version__}, torch {torch.__version__}"}})
    for line in sys.stdin:
        wanted = json.loads(line)
        say({"result": evaluate(model, wanted["task"], wanted["limit"], wanted["batch_size"])})


if __name__ == "__main__":
    main()
