#!/usr/bin/env python3
"""`lathe quantize` and `lathe imatrix` from outside: files, messages, and what is left behind when
they are stopped.

    quantize_test.py BINARY [QuantizeTest|ReportTest]
"""
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import tempfile
import unittest

BINARY = sys.argv.pop(1)
MODEL = "smollm2-135m"


class FolderTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.out = pathlib.Path(self.folder.name) / "out.gguf"

    def tearDown(self):
        self.folder.cleanup()

    def lathe(self, *arguments, **options):
        return subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True,
                              **options)

    def assertNothingLeft(self):
        self.assertEqual(os.listdir(self.folder.name), [])


class QuantizeTest(FolderTest):
    def test_a_model_is_written_in_the_types_asked_for(self):
        done = self.lathe("quantize", MODEL, self.out, "--to", "q4_0", "--tensor-type",
                          "blk.0.attn_v.weight=Q8_0")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("bits a weight", done.stdout)
        self.assertIn("warning: the source is quantized already (Q4_1, Q8_0)", done.stderr)
        facts = json.loads(self.lathe("inspect", self.out, "--tensors", "--json").stdout)
        types = {tensor["name"]: tensor["type"] for tensor in facts["tensors"]}
        self.assertEqual(types["blk.0.attn_v.weight"], "Q8_0")
        self.assertEqual(types["blk.1.attn_v.weight"], "Q4_0")
        self.assertEqual(os.listdir(self.folder.name), ["out.gguf"])

    def test_a_process_that_is_stopped_or_killed_leaves_nothing(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            process = subprocess.Popen([BINARY, "quantize", MODEL, self.out, "--to", "Q4_K_M",
                                        "--threads", "1"], stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, text=True)
            while "0%" not in process.stderr.readline():
                pass
            process.send_signal(number)
            _, errors = process.communicate()
            self.assertNotEqual(process.returncode, 0)
            if number != signal.SIGKILL:
                self.assertIn("stopped; nothing was written", errors)
            self.assertNothingLeft()

    def test_a_disk_without_room_is_said_before_any_work(self):
        done = self.lathe("quantize", MODEL, self.out, "--to", "Q8_0", preexec_fn=lambda:
                          resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20)))
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"cannot reserve 1\d\d MiB for .*out.gguf")
        self.assertNothingLeft()

    def test_bad_input_is_refused_by_name(self):
        empty = pathlib.Path(self.folder.name) / "empty.txt"
        empty.write_text("")
        for arguments, message in [
                (["--to", "Q9_Z"], "the mix Q9_Z is not known; choose one of F32"),
                ([], "give one of --to, --target-size, --target-kld and --report"),
                (["--to", "Q4_0", "--target-size", "Q4_0"], "give one of"),
                (["--to", "Q4_0", "--tensor-type", "x"], "PATTERN=TYPE"),
                (["--to", "Q4_0", "--tensor-type", "x=Q8_0"], "matches no matrix"),
                (["--target-size", "90MB"], "give --calibrate"),
                (["--report"], "give --evaluate"),
                (["--report", "--evaluate", empty, "--candidates", "Q9"], "the mix Q9 is not"),
                (["--to", "Q4_0", "--calibrate", empty], "the calibration text is empty"),
                (["--to", "Q4_0", "--imatrix", empty], "not an importance matrix")]:
            done = self.lathe("quantize", MODEL, self.out, *arguments)
            self.assertEqual((done.returncode, done.stdout), (1, ""), arguments)
            self.assertIn(message, done.stderr)
            self.assertFalse(self.out.exists())
        done = self.lathe("quantize", MODEL, self.out.with_suffix(".bin"), "--to", "Q4_0")
        self.assertIn("ends in .gguf", done.stderr)

    def test_the_source_is_never_overwritten(self):
        self.lathe("quantize", MODEL, self.out, "--to", "Q4_0", "-q")
        before = self.out.read_bytes()
        done = self.lathe("quantize", self.out, self.out, "--to", "Q8_0")
        self.assertEqual(done.returncode, 1)
        self.assertIn("is the source itself", done.stderr)
        self.assertEqual(self.out.read_bytes(), before)

    def test_importance_is_measured_kept_and_used(self):
        text = pathlib.Path(self.folder.name) / "text.txt"
        text.write_text("A short text about nothing in particular, to measure on. " * 4)
        matrix = text.with_suffix(".dat")
        done = self.lathe("imatrix", "-m", MODEL, "-f", text, "--window", "32", "-q", matrix)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("210 matrices", done.stdout)
        plain, weighed = self.out, self.out.with_name("weighed.gguf")
        self.assertEqual(self.lathe("quantize", MODEL, plain, "--to", "Q5_0", "-q").returncode, 0)
        done = self.lathe("quantize", MODEL, weighed, "--to", "Q5_0", "-q", "--imatrix", matrix)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotEqual(plain.read_bytes(), weighed.read_bytes())


class ReportTest(FolderTest):
    def test_a_report_measures_every_candidate_and_leaves_the_pages_only(self):
        text = pathlib.Path(self.folder.name) / "text.txt"
        text.write_text("A short text about nothing in particular, to measure on. " * 4)
        report = pathlib.Path(self.folder.name) / "report"
        done = self.lathe("quantize", MODEL, report, "--report", "--candidates", "Q8_0,Q2_K",
                          "--evaluate", text, "-q", "--report-tasks", "arc_easy,blimp",
                          "--report-limit", "12")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(sorted(os.listdir(report)), ["progress.json", "report.html",
                                                      "report.json", "runs"])
        self.assertEqual(sorted(os.listdir(report / "runs")), ["Q2_K", "Q8_0", "source"])
        rows = json.loads((report / "report.json").read_text())["candidates"]
        self.assertEqual([row["types"] for row in rows], ["source", "Q8_0", "Q2_K"])
        self.assertEqual(rows[0]["kl_mean"], 0)
        self.assertLess(rows[1]["kl_mean"], rows[2]["kl_mean"])
        self.assertGreater(rows[1]["file_bytes"], rows[2]["file_bytes"])
        for row in rows:
            for key in ("peak_resident_bytes", "prefill_tokens_per_second",
                        "decode_tokens_per_second", "perplexity", "top1_agreement"):
                self.assertGreater(row[key], 0)
            self.assertEqual(list(row["scores"]), ["arc_easy", "blimp", "all tasks"])
        self.assertEqual(rows[0]["scores"]["arc_easy"]["kept"], 1)
        for row in rows:
            score = row["scores"]["all tasks"]
            self.assertTrue(score["low"] <= score["kept"] <= score["high"], score)
        self.assertIn("<svg", (report / "report.html").read_text())
        self.assertIn("Q2_K", done.stdout)


if __name__ == "__main__":
    unittest.main()
