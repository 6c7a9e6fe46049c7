#!/usr/bin/env python3
"""`lathe inspect` from outside: what it prints where, and its exit codes.

    inspect_test.py BINARY
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

BINARY = sys.argv.pop(1)
CORPUS = pathlib.Path(__file__).resolve().parent.parent / "corpus"
ALL_SCALARS = CORPUS / "modelfile_gguf" / "metadata.gguf"
ALL_TYPES = CORPUS / "modelfile_gguf" / "types.gguf"
UNFINISHED = CORPUS / "model_config_gguf" / "llama.gguf"


def inspect(*arguments):
    return subprocess.run([BINARY, "inspect", *map(str, arguments)], capture_output=True, text=True)


class InspectTest(unittest.TestCase):
    def test_a_file_that_cannot_run_is_shown_with_its_problem(self):
        done = inspect(UNFINISHED)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("architecture  llama\n", done.stdout)
        self.assertRegex(done.stdout, r"problem +.*tensor 'blk.0.attn_norm.weight' is missing")

    def test_json_is_one_document(self):
        done = inspect(UNFINISHED, "--json", "--tensors", "--metadata", "--template")
        facts = json.loads(done.stdout)
        self.assertEqual(facts["heads"], 2)
        self.assertEqual(len(facts["tensors"]), facts["tensor_count"])
        self.assertEqual(facts["metadata"]["llama.context_length"], 8)
        self.assertEqual(facts["chat_template_source"], "")

    def test_every_type_of_tensor_and_of_metadata_is_listed(self):
        tensors = json.loads(inspect(ALL_TYPES, "--json", "--tensors").stdout)["tensors"]
        self.assertEqual(len(tensors), 14)
        self.assertIn("IQ2_XXS", [tensor["type"] for tensor in tensors])
        metadata = json.loads(inspect(ALL_SCALARS, "--json", "--metadata").stdout)["metadata"]
        self.assertEqual(metadata["k8"], "é")
        self.assertEqual(metadata["k12"], 1.0)
        self.assertEqual(metadata["a8"], ["", "x"])
        self.assertIn("u64 x 3 [1, 0, 1]", inspect(ALL_SCALARS, "--metadata").stdout)

    def test_a_file_of_another_kind_fails_on_standard_error(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "model.gguf"
            path.write_bytes(b"\x89PNG\r\n\x1a\n")
            done = inspect(path)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("it looks like a PNG picture", done.stderr)

    def test_a_missing_file_and_an_empty_folder_fail(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(inspect(pathlib.Path(folder) / "none.gguf").returncode, 1)
            done = inspect(folder)
        self.assertEqual(done.returncode, 1)
        self.assertIn("no config.json", done.stderr)

    def test_a_wrong_command_line_exits_with_2(self):
        self.assertEqual(inspect().returncode, 2)
        self.assertEqual(inspect(UNFINISHED, "--colour").returncode, 2)
        self.assertEqual(inspect("--help").returncode, 0)


if __name__ == "__main__":
    unittest.main()
