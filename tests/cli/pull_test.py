#!/usr/bin/env python3
"""`lathe pull` as a user meets it: over HTTPS, interrupted, killed, on a full disk.

    pull_test.py LATHE

Runs the program LATHE against a server of its own.
"""
import hashlib
import http.server
import json
import os
import pathlib
import resource
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest

LATHE = sys.argv.pop(1)
CONTENT = b"GGUF" + b"".join(hashlib.sha256(b"%d" % i).digest() for i in range(100_000))
DIGEST = hashlib.sha256(CONTENT).hexdigest()
FILE = "/o/tiny/resolve/main/t.gguf"
DEADLINE_S = 120  # far beyond what anything here takes


class Server(http.server.ThreadingHTTPServer):
    """Serves CONTENT at FILE with ranges; `release` lets it send beyond `hold_at`."""

    daemon_threads = True

    def __init__(self, context=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.hold_at = None
        self.release = threading.Event()
        self.with_length = True
        self.ranges = []
        if context:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        scheme, host = ("https", "localhost") if context else ("http", "127.0.0.1")
        self.url = f"{scheme}://{host}:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        pass  # clients are killed here


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *arguments):
        pass

    def do_GET(self):
        server = self.server
        if self.path != FILE:
            self.send_error(404)
            return
        wanted = self.headers.get("Range", "")
        server.ranges.append(wanted)
        first = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        self.send_response(206 if first else 200)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(CONTENT) - 1}/{len(CONTENT)}")
        if server.with_length:
            self.send_header("Content-Length", str(len(CONTENT) - first))
        self.send_header("ETag", '"v1"')
        self.end_headers()
        if server.hold_at is None or server.release.is_set():
            self.wfile.write(CONTENT[first:])
            return
        self.wfile.write(CONTENT[first:server.hold_at])
        self.wfile.flush()
        server.release.wait(DEADLINE_S)
        self.wfile.write(CONTENT[max(first, server.hold_at):])


def wait_for(condition):
    end = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("nothing happened")
        time.sleep(0.01)


class PullTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="lathe-test-")
        self.addCleanup(folder.cleanup)
        self.home = pathlib.Path(folder.name)
        self.target = self.home / "models/tiny/t.gguf"
        self.part = self.home / "models/tiny/t.gguf.part"

    def serve(self, context=None):
        server = Server(context)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.addCleanup(server.release.set)
        (self.home / "catalog.json").write_text(json.dumps({
            "endpoints": {"huggingface": server.url},
            "models": [{
                "name": "tiny", "license": "MIT",
                "files": [{"name": "t.gguf", "bytes": len(CONTENT) if server.with_length else 0,
                           "sha256": DIGEST}],
                "sources": [{"kind": "huggingface", "repo": "o/tiny"}]}]}))
        return server

    def environment(self, **more):
        names = ("HF_ENDPOINT", "HF_TOKEN", "MODELSCOPE_ENDPOINT", "PIP_INDEX_URL", "http_proxy",
                 "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY", "SSL_CERT_FILE")
        kept = {key: value for key, value in os.environ.items() if key not in names}
        return kept | {"LATHE_HOME": str(self.home)} | more

    def start(self, *arguments, **more):
        return subprocess.Popen([LATHE, *arguments], env=self.environment(), text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)

    def run_lathe(self, *arguments, environment=None, **more):
        return subprocess.run([LATHE, *arguments], env=environment or self.environment(), text=True,
                              capture_output=True, timeout=DEADLINE_S, **more)

    def assert_whole(self):
        self.assertEqual(hashlib.sha256(self.target.read_bytes()).hexdigest(), DIGEST)
        self.assertFalse(self.part.exists())

    def part_bytes(self):
        return self.part.stat().st_size if self.part.exists() else 0

    def test_goes_on_after_kill_9(self):
        server = self.serve()
        for hold_at in (4, 300_000, 1_000_000, 2_500_000):
            server.hold_at = hold_at
            process = self.start("pull", "tiny")
            wait_for(lambda: self.part_bytes() == hold_at)
            self.assertFalse(self.target.exists())
            process.kill()
            process.communicate()
            listed = json.loads(self.run_lathe("list", "--json").stdout)
            self.assertFalse(listed["models"][0]["complete"])
        server.release.set()
        done = self.run_lathe("pull", "tiny")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_whole()
        self.assertEqual(server.ranges, ["", "bytes=4-", "bytes=300000-", "bytes=1000000-",
                                         "bytes=2500000-"])

    def test_is_whole_or_a_part_whenever_it_is_killed(self):
        server = self.serve()
        for wait_s in (0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.2):
            process = self.start("pull", "tiny")
            time.sleep(wait_s)
            process.kill()
            process.communicate()
            if self.target.exists():
                self.assert_whole()
        self.assertEqual(self.run_lathe("pull", "tiny").returncode, 0)
        self.assert_whole()

    def test_ctrl_c_keeps_the_part_and_says_so(self):
        server = self.serve()
        server.hold_at = 500_000
        process = self.start("pull", "tiny")
        wait_for(lambda: self.part_bytes() == 500_000)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=DEADLINE_S)
        self.assertEqual(process.returncode, 1)
        self.assertIn("goes on from there", error)
        self.assertEqual(self.part_bytes(), 500_000)
        server.release.set()
        self.assertEqual(self.run_lathe("pull", "tiny").returncode, 0)
        self.assert_whole()

    def test_two_at_once_fetch_it_once(self):
        server = self.serve()
        server.hold_at = 500_000
        first = self.start("pull", "tiny")
        wait_for(lambda: self.part_bytes() == 500_000)
        second = self.start("pull", "tiny")
        line = second.stderr.readline()
        self.assertIn("waiting", line)
        server.release.set()
        for process in (first, second):
            output, error = process.communicate(timeout=DEADLINE_S)
            self.assertEqual(process.returncode, 0, error)
            self.assertIn("tiny", output)
        self.assert_whole()
        self.assertEqual(server.ranges, [""])

    def test_https_with_an_authority_of_ones_own(self):
        key, certificate = self.home / "key.pem", self.home / "certificate.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", certificate,
                        "-days", "1", "-subj", "/CN=test", "-addext", "subjectAltName=DNS:localhost"],
                       check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.serve(context)
        refused = self.run_lathe("pull", "tiny")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("not trusted", refused.stderr)
        self.assertFalse(self.target.exists())
        trusted = self.environment(SSL_CERT_FILE=str(certificate))
        done = self.run_lathe("pull", "tiny", environment=trusted)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_whole()

    def test_a_full_disk_is_told_with_what_is_missing(self):
        server = self.serve()
        server.with_length = False  # so that only writing finds out

        def small_files():
            resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, resource.RLIM_INFINITY))

        full = self.run_lathe("pull", "tiny", preexec_fn=small_files)
        self.assertEqual(full.returncode, 1)
        self.assertIn("more needed for t.gguf", full.stderr)
        self.assertEqual(self.part_bytes(), 1_000_000)
        self.assertEqual(self.run_lathe("pull", "tiny").returncode, 0)
        self.assert_whole()

    def test_a_small_file_system(self):
        """A tmpfs of two megabytes in a mount namespace; needs no root where user
        namespaces are allowed. Where they are not, the test above has to do."""
        server = self.serve()
        small = ["unshare", "--mount", "--map-root-user", "sh", "-c",
                 'mkdir -p "$0/models" && mount -t tmpfs -o size=2m tmpfs "$0/models" && '
                 '"$1" pull tiny; echo "exit $?"; ls -l "$0/models/tiny"', str(self.home), LATHE]
        if subprocess.run(["unshare", "--mount", "--map-root-user", "true"],
                          capture_output=True).returncode != 0:
            return
        done = subprocess.run(small, env=self.environment(), text=True, capture_output=True,
                              timeout=DEADLINE_S)
        self.assertIn("exit 1", done.stdout)
        self.assertIn("not enough space", done.stderr)
        self.assertIn("3.2 MB more needed for t.gguf, 2.1 MB free", done.stderr)

    def test_list_and_rm(self):
        self.serve()
        self.assertIn("tiny", self.run_lathe("list").stdout)
        self.run_lathe("pull", "tiny")
        listed = json.loads(self.run_lathe("list", "--json").stdout)
        model = listed["models"][0]
        self.assertEqual((model["name"], model["license"], model["complete"]), ("tiny", "MIT", True))
        self.assertTrue(next(m for m in listed["catalog"] if m["name"] == "tiny")["here"])
        self.assertEqual(self.run_lathe("rm", "tiny").returncode, 0)
        self.assertFalse(self.target.parent.exists())
        self.assertEqual(self.run_lathe("rm", "tiny").returncode, 1)

    def test_wrong_command_lines(self):
        self.serve()
        self.assertEqual(self.run_lathe("pull").returncode, 2)
        self.assertEqual(self.run_lathe("pull", "tiny", "--stall-timeout", "x").returncode, 2)
        wrong = self.run_lathe("pull", "tiny", "--source", "ftp")
        self.assertEqual(wrong.returncode, 1)
        self.assertIn("huggingface", wrong.stderr)
        near = self.run_lathe("pull", "smolm2-135m")
        self.assertIn("smollm2-135m", near.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
