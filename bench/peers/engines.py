"""The engines as bench/peers/run sees them: start one, give it jobs, stop it."""
import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILD = ROOT / "build"
VENV = BUILD / "peers-venv"
LATHE = BUILD / "lathe"
# clang, because gcc 12 drops part of the tile configuration of ggml's AMX code, which then faults.
LLAMA_BUILD = ("-DGGML_NATIVE=ON -DLLAVA_BUILD=OFF -DCMAKE_C_COMPILER=clang-19 "
               "-DCMAKE_CXX_COMPILER=clang++-19")


class Unavailable(Exception):
    """An engine that cannot do this model; the text says why."""


def prepare_venv():
    """Installs the peers of requirements.txt; llama.cpp is compiled for this machine."""
    stamp = VENV / "requirements"
    wanted = (HERE / "requirements.txt").read_text() + LLAMA_BUILD + "\n"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print("installing the peers and building llama.cpp for this machine: some minutes",
          file=sys.stderr)
    # Anew: pip would leave what was compiled otherwise.
    subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True)
    subprocess.run([VENV / "bin" / "python", "-m", "pip", "install", "-q",
                    "--no-binary", "llama-cpp-python",
                    "--no-cache-dir",  # else a wheel of another build may serve
                    "-r", HERE / "requirements.txt"], check=True,
                   env={**os.environ, "CMAKE_ARGS": LLAMA_BUILD})
    stamp.write_text(wanted)


def lathe_options(settings):
    options = ["--threads", str(settings["threads"])]
    return options if settings["amx"] else [*options, "--kernels", "avx512"]


def machine_of(report):
    """The machine and its peak, of what `lathe bench --json` prints."""
    return {key: report[key] for key in ("cpu", "kernels", "threads", "machine_peak")}


class Lathe:
    """A new process for each job: it loads in a fraction of a second."""

    def __init__(self, model, text, settings):
        self.command = [LATHE, "bench", "--model", model, "--text", text, "--works", "serve",
                        "--repeat", "1", "--json", *lathe_options(settings)]
        self.ready = None
        self.machine = None

    def serve(self, job):
        done = subprocess.run([*self.command, "--serve", job], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise Unavailable(done.stderr.strip())
        report = json.loads(done.stdout)
        self.machine = machine_of(report)
        self.ready = {key: report[key] for key in
                      ("load_seconds", "loaded_peak_resident_bytes", "weight_bytes",
                       "file_bytes")}
        return report["serve"][0]

    def warm_up(self, job):
        pass  # lathe bench does

    def close(self):
        pass


class Worker:
    """A peer in a process of its own that keeps its model loaded (worker.py)."""

    def __init__(self, script, model, ids, settings):
        self.script = script
        self.errors = open(BUILD / f"{script}.log", "w")
        self.process = subprocess.Popen(
            [VENV / "bin" / "python", HERE / script, model, ids, json.dumps(settings)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True)
        self.ready = self._read()["ready"]

    def serve(self, job):
        self.process.stdin.write(json.dumps({"job": job}) + "\n")
        self.process.stdin.flush()
        return self._read()["result"]

    def warm_up(self, job):
        self.serve(job)

    def _read(self):
        line = self.process.stdout.readline()
        if line:
            return json.loads(line)
        self.close()
        lines = pathlib.Path(self.errors.name).read_text().strip().splitlines()
        raise Unavailable(f"{self.script} ended with {self.process.returncode}: "
                          f"{lines[-1] if lines else 'no message'}")

    def close(self):
        if self.process.poll() is None:
            self.process.stdin.close()
        self.process.wait()
        self.errors.close()


def start(engine, model, text, ids, settings):
    if engine == "lathe":
        return Lathe(model, text, settings)
    return Worker({"llama.cpp": "llama_worker.py", "openvino": "openvino_worker.py"}[engine],
                  str(model), str(ids), settings)
