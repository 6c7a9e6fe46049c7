"""Lathe's server under bench/load's closed loop, as if it were one more engine."""
import json
import socket
import subprocess
import time
import urllib.error
import urllib.request

import engines
from jobs import Job

START_SECONDS_MAX = 60
WORDS_PER_TOKEN = 100 / 120  # of bench/text.txt, so that prompts have about the job's length


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class HttpLathe:
    def __init__(self, model, text, settings):
        self.text = text
        self.url = f"http://127.0.0.1:{free_port()}"
        self.log = open(engines.BUILD / "lathe-serve.log", "w")
        self.process = subprocess.Popen(
            [engines.LATHE, "serve", "--model", model, "--port", self.url.rsplit(":")[-1],
             *engines.lathe_options(settings)], stdout=self.log, stderr=self.log)
        self.model = self._wait_for_model()
        self.ready = None

    def _wait_for_model(self):
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/v1/models", timeout=5) as answer:
                    return json.load(answer)["data"][0]["id"]
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.05)
        self.close()
        raise engines.Unavailable(f"lathe serve did not start; see {self.log.name}")

    def serve(self, text):
        job = Job.parse(text)
        done = subprocess.run(
            [engines.ROOT / "bench" / "load" / "run", "--url", f"{self.url}/v1", "--model",
             self.model, "--clients", str(job.slots), "--requests", str(job.requests), "--words",
             str(round(job.prompt * WORDS_PER_TOKEN)), "--generate", str(job.generate), "--text",
             self.text, "--json"], stdout=subprocess.PIPE, text=True)
        summary = json.loads(done.stdout)
        if summary["failed"]:
            raise engines.Unavailable(f"requests failed: {summary['errors']}")
        return summary

    def warm_up(self, job):
        self.serve(job)

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()
