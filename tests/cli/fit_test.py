#!/usr/bin/env python3
"""`lathe fit` from outside: what it prints, and its exit codes.

    fit_test.py BINARY
"""
import json
import subprocess
import sys
import unittest

BINARY = sys.argv.pop(1)
MODEL = "smollm2-135m"


def fit(*arguments):
    return subprocess.run([BINARY, "fit", *map(str, arguments)], capture_output=True, text=True)


class FitTest(unittest.TestCase):
    def test_precisions_have_memory_and_speed_here_and_elsewhere(self):
        done = fit(MODEL, "--context", 8192, "--sequences", 200, "--threads", 1, "--machine", "rtx-4090,xeon-8480",
                   "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        report = json.loads(done.stdout)
        self.assertGreater(report["measured"]["decode_tokens_per_second"], 0)
        self.assertGreater(report["measured"]["prefill_tokens_per_second"], 0)
        self.assertEqual([m["machine"] for m in report["machines"]], ["here", "rtx-4090", "xeon-8480"])
        # 37 GB of keys and values: too much for the card, little for the server.
        _, card, server = report["machines"]
        self.assertFalse(any(line["fits"] for line in card["predicted"]))
        self.assertTrue(all(line["fits"] for line in server["predicted"]))
        for machine in report["machines"]:
            self.assertGreater(machine["error_factor"]["decode"], 1)
            lines = machine["predicted"]
            self.assertEqual(lines[0]["precision"], "as in the file")
            # 30 layers, 3 heads of 64, keys and values, 2 bytes.
            self.assertEqual(lines[0]["kv_bytes"], 200 * 8192 * 30 * 3 * 64 * 2 * 2)
            sizes = [line["weight_bytes"] for line in lines[1:]]
            self.assertEqual(sizes, sorted(sizes, reverse=True))
            self.assertTrue(all(line["decode_tokens_per_second"] > 0 for line in lines))

    def test_the_table_marks_predictions(self):
        done = fit(MODEL, "--context", 256, "--threads", 1, "--machine", "l4")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("(measured)", done.stdout)
        self.assertIn("NVIDIA L4 (GPU, prediction from published figures", done.stdout)
        self.assertIn("Q4_K_M", done.stdout)

    def test_mistakes_are_named(self):
        done = fit(MODEL, "--machine", "abacus")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no machine named abacus; there are: xeon-8480", done.stderr)
        self.assertEqual(fit("no-such-model").returncode, 1)
        self.assertEqual(fit().returncode, 2)


if __name__ == "__main__":
    unittest.main()
