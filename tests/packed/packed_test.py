#!/usr/bin/env python3
"""GPTQ and AWQ folders of a real model through the program: served as they are and made GGUF
files of, both give the numbers that were packed.

    packed_test.py BINARY MODEL
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import numpy as np

from packed_folder import Format, Model, write_folder

BINARY, NAME = sys.argv[1:3]
del sys.argv[1:3]
EVAL = pathlib.Path(__file__).resolve().parent.parent / "golden" / "eval" / "data"
PROMPT = "The capital of France is"
WORSE_AT_MOST = 1.6  # perplexity; rounding to the nearest code without the methods' search


def lathe(*arguments):
    done = subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, f"{arguments}: {done.stderr}"
    return done


class PackedTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        facts = json.loads(lathe("inspect", NAME, "--json").stdout)
        cls.model = Model(facts["path"])
        cls.scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.scratch.cleanup)
        cls.text = pathlib.Path(cls.scratch.name) / "text.txt"
        with open(EVAL / "wikitext2_test.jsonl") as lines:
            cls.text.write_text(json.loads(next(lines))["text"][:3000])
        cls.original = cls.perplexity(NAME)

    def setUp(self):
        inner = tempfile.TemporaryDirectory(dir=self.scratch.name)
        self.addCleanup(inner.cleanup)
        self.folder, self.out = (pathlib.Path(inner.name) / name for name in ("hf", "out.gguf"))

    @classmethod
    def perplexity(cls, model):
        return json.loads(lathe("perplexity", "-m", model, "-f", cls.text, "--activations", "f32",
                                "--json").stdout)["perplexity"]

    # In one instruction set everywhere, so that no machine sees a tie the other way.
    def answer(self, model):
        return json.loads(lathe("generate", "-m", model, PROMPT, "-n", 24, "--temperature", 0,
                                "--ignore-eos", "--activations", "f32", "--kernels", "generic",
                                "--json").stdout)["text"]

    def check(self, form, to):
        meant = write_folder(self.model, form, self.folder)
        self.assertEqual(len(meant), 7 * self.model.of_arch("block_count"))
        done = lathe("quantize", self.folder, self.out, "--to", to, "--tensor-type",
                     "token_embd.weight=F16", "-q")
        self.assertEqual(done.stderr, "", "copied, so nothing to warn of")
        facts = json.loads(lathe("inspect", self.out, "--tensors", "--json").stdout)
        types = {tensor["type"] for tensor in facts["tensors"] if tensor["name"].startswith("blk")
                 and "norm" not in tensor["name"]}
        self.assertEqual(types, {to})
        seen = 0
        for name, values in Model(self.out).tensors():
            if name in meant:
                expected = meant[name]
                if to == "F16":
                    expected = expected.astype(np.float16).astype(np.float32)
                np.testing.assert_array_equal(values, expected, name)
                seen += 1
        self.assertEqual(seen, len(meant))
        perplexity = self.perplexity(self.folder)
        # The file has the dimensions of heads in another order, so the dots of queries and keys are
        # summed in another one.
        self.assertLess(abs(self.perplexity(self.out) / perplexity - 1), 2e-6)
        self.assertLess(perplexity / self.original, WORSE_AT_MOST)
        self.assertGreater(perplexity / self.original, 0.99)
        answer = self.answer(self.folder)
        self.assertEqual(self.answer(self.out), answer)
        self.assertIn("Paris", answer)

    def test_gptq_of_symmetric_groups_is_q4_0(self):
        self.check(Format("gptq", 32, symmetric=True), "Q4_0")

    def test_gptq_with_zero_points_is_q5_0(self):
        self.check(Format("gptq", 64), "Q5_0")

    def test_gptq_in_act_order_is_f16(self):
        self.check(Format("gptq", 64, act_order=True, checkpoint_format="gptq_v2"), "F16")

    def test_awq_is_q5_0(self):
        self.check(Format("awq", 32), "Q5_0")


if __name__ == "__main__":
    unittest.main()
