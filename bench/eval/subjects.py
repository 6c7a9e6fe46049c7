"""Who does the tasks: `lathe eval`, a process for each run, and the harness with
transformers, which keeps its model loaded (harness_worker.py)."""
import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILD = ROOT / "build"
VENV = BUILD / "eval-venv"
LATHE = BUILD / "lathe"


def prepare_venv():
    stamp, wanted = VENV / "requirements", (HERE / "requirements.txt").read_text()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print("installing the harness, transformers and torch: some minutes", file=sys.stderr)
    subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
    subprocess.run([VENV / "bin" / "python", "-m", "pip", "install", "-q", "-r",
                    HERE / "requirements.txt"], check=True)
    stamp.write_text(wanted)


def hf_folder(model):
    """The model as transformers reads it, expanded to float32."""
    folder = BUILD / "eval-models" / model.stem
    if not (folder / "model.safetensors").exists():
        subprocess.run([VENV / "bin" / "python", HERE / "hf_folder.py", model, folder],
                       check=True)
    return folder


class Failed(Exception):
    """A run that gave no result; the text says why."""


def lathe_eval(model, task, scratch, limit=None, more=()):
    """One run of `lathe eval`; its seconds leave out the start and the loading of the model,
    as the peer's do, `wall_seconds` do not."""
    output = scratch / "run"
    shutil.rmtree(output, ignore_errors=True)
    command = [LATHE, "eval", "--model", model, "--tasks", task, "--output", output, *more]
    command += ["--limit", limit] if limit else []
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise Failed(done.stderr.strip())
    report = json.loads((output / "results.json").read_text())
    [(name, scores)] = report["results"].items()
    [samples] = output.glob("samples_*.jsonl")
    return {"seconds": float(report["total_evaluation_time_seconds"]), "wall_seconds": wall,
            "cpu_seconds": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
            "documents": report["n-samples"][name]["effective"],
            "scores": {key: value for key, value in scores.items()
                       if "," in key and "stderr" not in key},
            "samples": [json.loads(line) for line in samples.read_text().splitlines()]}


class Harness:
    """The peer in one precision."""

    def __init__(self, model, dtype, threads):
        self.errors = BUILD / f"eval-harness-{dtype}.log"
        environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1",
                       "HF_HOME": str(BUILD / "eval-venv" / "huggingface")}
        with open(self.errors, "w") as errors:
            self.process = subprocess.Popen(
                [VENV / "bin" / "python", HERE / "harness_worker.py", hf_folder(model), dtype,
                 str(threads)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
                text=True, env=environment)
        self.ready = self._read()["ready"]

    def evaluate(self, task, batch_size, limit=None):
        wanted = {"task": str(task), "batch_size": batch_size, "limit": limit}
        self.process.stdin.write(json.dumps(wanted) + "\n")
        self.process.stdin.flush()
        return self._read()["result"]

    def _read(self):
        line = self.process.stdout.readline()
        if line:
            return json.loads(line)
        self.close()
        last = self.errors.read_text().strip().splitlines()[-1:]
        raise Failed(f"the harness ended with {self.process.returncode}: {last}")

    def close(self):
        self.process.stdin.close()
        self.process.wait()
