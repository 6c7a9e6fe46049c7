#!/usr/bin/env python3
"""How the scripts of bench/ keep results of several runs, and what they make of them."""
import json
import pathlib
import sys
import tempfile
import unittest

BENCH = pathlib.Path(__file__).resolve().parent.parent.parent / "bench"
sys.path[0:0] = [str(BENCH / "eval"), str(BENCH / "peers"), str(BENCH / "quantize")]
import chart  # noqa: E402
import precision  # noqa: E402
import process  # noqa: E402
import report  # noqa: E402
import texts  # noqa: E402

MODEL = pathlib.Path("model.gguf")
MACHINE = {"cpu": "a CPU", "cores": 2, "threads": 2, "date": "2026-01-02",
           "machine_peak": {"int8_gops": 10, "f32_gflops": 5, "memory_gb_per_second": 3.25}}


def sharing(commit, speed):
    return {"rounds": 3, "limit": None, "machine": {**MACHINE, "commit": commit}, "tokens": 1000,
            "examples": 30, "same_answers": True, "shared": {"documents_per_second": speed},
            "alone": {"documents_per_second": 2.0}}


def precisions(commit):
    row = {"bytes": 4e6, "bandwidth_share": 0.5, "documents": 10, "metrics": {"blimp": "acc"}}
    return {"rounds": 1, "limit": 4, "machine": {**MACHINE, "commit": commit}, "files": [
        {**row, "name": "F32", "tokens_per_second": 10.0, "scores": {"blimp": 0.8},
         "kept": {"share": 1.0, "low": 1.0, "high": 1.0}},
        {**row, "name": "Q8_0", "tokens_per_second": 25.0, "scores": {"blimp": 0.6},
         "kept": {"share": 0.75, "low": 0.5, "high": 0.9}}]}


class ResultsTest(unittest.TestCase):
    def test_a_run_of_one_part_keeps_the_others_with_their_own_commit_and_peak(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            report.write(folder, MODEL, "sharing", sharing("aaaa", 10.0))
            report.write(folder, MODEL, "precision", precisions("bbbb"))
            table = report.write(folder, MODEL, "sharing", sharing("cccc", 12.0))
            record = json.loads((folder / "eval-model.json").read_text())
            self.assertEqual((folder / "eval-model.md").read_text(), table + "\n")
            drawn = (folder / "eval-model.svg").read_text()
        self.assertIn("with sharing", drawn)
        self.assertIn("int8 10 GOPS, memory 3 GB/s; 2026-01-02", drawn)
        self.assertEqual(sorted(record["parts"]), ["precision", "sharing"])
        self.assertEqual(record["parts"]["precision"], precisions("bbbb"))
        self.assertNotIn("commit aaaa", table)
        self.assertIn("commit bbbb; one run, at most 4 documents", table)
        self.assertIn("commit cccc; medians of 3 rounds", table)
        self.assertIn("memory 3.2 GB/s", table)
        self.assertIn("| ratio | 6.0 (the same bits) |", table)
        self.assertIn("| Q8_0 | 4.0 | 25.0 | 2.50 | 50% | 0.6000 | 75.0% (50.0% to 90.0%) |", table)

    def test_what_is_kept_is_of_the_sum_and_its_interval_is_paired(self):
        reference = {"a": [1.0, 0.0, 1.0, 0.0], "b": [1.0, 1.0, 1.0, 1.0]}
        same = precision.kept(reference, reference)
        self.assertEqual((same["share"], same["low"], same["high"]), (1.0, 1.0, 1.0))
        half = precision.kept(reference, {"a": [1.0, 0.0, 1.0, 0.0], "b": [1.0, 1.0, 0.0, 0.0]})
        self.assertAlmostEqual(half["share"], 1.0 / 1.5)
        self.assertLess(half["low"], half["share"])
        self.assertGreater(half["high"], half["share"])

    def test_the_texts_to_calibrate_and_to_measure_on_have_no_line_in_common(self):
        with tempfile.TemporaryDirectory() as folder:
            one, other = (file.read_text()
                          for file in texts.wikitext(pathlib.Path(folder), 50_000, 20_000))
        self.assertLessEqual(len(one.encode()), 50_000)
        self.assertGreater(len(one.encode()), 49_990)
        long_lines = [{line for line in text.split("\n") if len(line) > 40}
                      for text in (one, other)]
        self.assertEqual(long_lines[0] & long_lines[1], set())

    def test_a_process_has_a_peak_and_one_that_fails_is_named_with_its_words(self):
        done = process.run([sys.executable, "-c",
                            "import time; kept = b'x' * 64_000_000; time.sleep(0.2); print(7)"])
        self.assertEqual(done["output"], "7\n")
        self.assertGreater(done["peak_private_bytes"], 64_000_000)
        self.assertGreaterEqual(done["peak_bytes"], done["peak_private_bytes"])
        with self.assertRaisesRegex(process.Failed, "no such thing"):
            process.run([sys.executable, "-c", "import sys; sys.exit('no such thing')"])

    def test_a_chart_of_nothing_but_zeros_is_drawn(self):
        drawn = chart.draw("a < b", "note", "about", [("group", [("one", "a", 0.0)])])
        self.assertIn("a &lt; b", drawn)
        self.assertIn('width="0.0"', drawn)


if __name__ == "__main__":
    unittest.main()
