#!/usr/bin/env python3
"""`lathe bench` and `lathe divergence` from outside: what they print, and their exit codes.

    bench_test.py BINARY
"""
import json
import math
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

BINARY = sys.argv.pop(1)
MODEL = "smollm2-135m"
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "bench" / "peers"))
import jobs  # noqa: E402


def lathe(*arguments):
    return subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True)


def bench(*arguments):
    return lathe("bench", "--model", MODEL, "--repeat", "1", *arguments)


class BenchTest(unittest.TestCase):
    def test_steps_have_speeds_and_shares_of_the_machine(self):
        done = bench("--works", "prefill,decode,mixed", "--prompt", "32", "--sequences", "2",
                     "--generate", "2", "--depth", "4", "--mixed", "2", "--chunks", "8", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        report = json.loads(done.stdout)
        self.assertEqual([row["work"] for row in report["results"]],
                         ["prefill 32", "decode, 2 sequences at 4", "2 at 4 + 8 of a prompt"])
        for row in report["results"]:
            self.assertGreater(row["tokens_per_second"], 0)
            self.assertGreater(row["shares"]["int8"], 0)
        self.assertEqual(report["serve"], [])
        self.assertGreater(report["loaded_peak_resident_bytes"], report["weight_bytes"])

    def test_the_exact_path_has_no_share_of_int8(self):
        done = bench("--works", "prefill", "--prompt", "16", "--activations", "f32", "--json")
        self.assertNotIn("int8", json.loads(done.stdout)["results"][0]["shares"])

    def test_requests_go_through_the_engine_and_are_counted(self):
        done = bench("--works", "serve", "--serve", "3x20/4,4x12/3@2+8", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        together, in_turn = json.loads(done.stdout)["serve"]
        self.assertEqual((together["generated_tokens"], together["prompt_tokens"]), (12, 60))
        self.assertEqual((in_turn["generated_tokens"], in_turn["prompt_tokens"]), (12, 48))
        self.assertEqual(in_turn["job"], "4x12/3@2+8")
        self.assertGreater(together["first_token_ms"]["p50"], 0)

    def test_jobs_that_make_no_sense_are_refused(self):
        for job in ("32", "0x1/1", "1x0/1", "1x8/1+8", "99999x1/1"):
            done = bench("--works", "serve", "--serve", job)
            self.assertEqual(done.returncode, 1, job)
            self.assertIn(job, done.stderr)

    def test_a_prompt_beyond_the_context_is_refused(self):
        done = bench("--works", "serve", "--context", "64", "--serve", "1x100/4")
        self.assertEqual(done.returncode, 1)
        self.assertIn("100", done.stderr)


class JobsTest(unittest.TestCase):
    """The peers' half of the same jobs (bench/peers/jobs.py)."""

    def test_jobs_read_as_in_lathe(self):
        self.assertEqual(jobs.Job.parse("4x12/3@2+8"), jobs.Job(4, 12, 3, 2, 8))
        self.assertEqual(jobs.Job.parse("32x120/64").slots, 32)

    def test_no_two_prompts_begin_alike_but_for_what_is_shared(self):
        cutter = jobs.PromptCutter(list(range(100)))
        prompts = cutter.prompts(jobs.Job(300, 10, 1)) + cutter.prompts(jobs.Job(5, 10, 1))
        self.assertEqual(len({tuple(prompt[:2]) for prompt in prompts}), 305)
        shared = cutter.prompts(jobs.Job(5, 10, 1, shared=6))
        self.assertEqual(len({tuple(prompt[:6]) for prompt in shared}), 1)
        self.assertEqual(len({tuple(prompt) for prompt in shared}), 5)
        self.assertEqual({len(prompt) for prompt in shared}, {10})


class DivergenceTest(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self.scratch.cleanup)
        self.folder = pathlib.Path(self.scratch.name)

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def divergence(self, *arguments):
        return lathe("divergence", "--model", MODEL, "--json", *arguments)

    def test_the_exact_path_does_not_differ_from_itself(self):
        text = self.write("text", "The capital of France is Paris, and that of Italy is Rome.")
        done = self.divergence("--file", text, "--activations", "f32")
        self.assertEqual(done.returncode, 0, done.stderr)
        report = json.loads(done.stdout)
        self.assertEqual((report["kl_max"], report["top1_agreement"]), (0, 1))
        self.assertEqual(report["perplexity"], report["reference_perplexity"])

    def test_the_fast_path_differs_a_little(self):
        text = self.write("text", "The capital of France is Paris, and that of Italy is Rome.")
        report = json.loads(self.divergence("--file", text, "--window", 8).stdout)
        self.assertGreater(report["windows"], 1)
        self.assertGreater(report["kl_mean"], 0)
        self.assertLess(report["kl_mean"], 0.1)
        self.assertGreaterEqual(report["kl_p999"], report["kl_mean"])

    def test_the_stream_holds_what_its_description_says(self):
        out = self.folder / "logprobs"
        ids = self.write("ids", "[[504, 3575, 282], [1]]")
        done = self.divergence("--ids", ids, "--reference-only", "--logprobs", out)
        self.assertEqual(done.returncode, 0, done.stderr)
        data = out.read_bytes()
        magic, vocab, count, *first = struct.unpack_from("<8sII3i", data)
        self.assertEqual((magic, count, first), (b"LATHELP1", 3, [504, 3575, 282]))
        rows = 8 + 4 + 4 + 12
        total = sum(map(math.exp, struct.unpack_from(f"<{vocab}f", data, rows)))
        self.assertAlmostEqual(total, 1, places=4)
        second = rows + 3 * vocab * 4
        self.assertEqual(struct.unpack_from("<Ii", data, second), (1, 1))
        self.assertEqual(data[second + 8 + vocab * 4:], b"\0\0\0\0")

    def test_bad_input_is_refused_with_its_reason(self):
        text = self.write("text", "a text")
        for arguments, reason in (
                ([], "--file"),
                (["--file", text, "--ids", text], "--ids"),
                (["--ids", self.write("no", '{"a": 1}')], "[[1, 2], [3]]"),
                (["--ids", self.write("words", '[["a"]]')], "[[1, 2], [3]]"),
                (["--ids", self.write("large", "[[1, 2147483647]]")], "2147483647"),
                (["--ids", self.write("negative", "[[-1]]")], "[[1, 2], [3]]"),
                (["--ids", self.write("none", "[[]]")], "window"),
                (["--file", text, "--logprobs", self.folder], str(self.folder))):
            done = self.divergence(*arguments)
            self.assertEqual(done.returncode, 1, arguments)
            self.assertIn(reason, done.stderr)


if __name__ == "__main__":
    unittest.main()
