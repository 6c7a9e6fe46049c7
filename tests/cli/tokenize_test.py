#!/usr/bin/env python3
"""`lathe tokenize` from outside: what it prints where, and its exit codes.

    tokenize_test.py BINARY
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

BINARY = sys.argv.pop(1)
MODEL = "smollm2-135m"


def tokenize(*arguments, text=None, model=MODEL):
    return subprocess.run([BINARY, "tokenize", "--model", str(model), *arguments], input=text,
                          capture_output=True, text=True)


class TokenizeTest(unittest.TestCase):
    def test_tokens_are_listed_with_their_ids(self):
        done = tokenize("Hello<|im_end|>\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, '   19556  "Hello"\n       2  "<|im_end|>"  (control)\n'
                                      '     198  "\\n"\n3 tokens\n')

    def test_ids_go_out_and_come_back(self):
        text = "Round  trip: 我 😀\n"
        ids = tokenize("--ids", text=text).stdout
        self.assertIsInstance(json.loads(ids), list)
        self.assertEqual(tokenize("--decode", text=ids).stdout, text + "\n")
        self.assertEqual(json.loads(tokenize("--decode", "--json", text=ids).stdout),
                         {"text": text})

    def test_json_has_ids_texts_and_kinds(self):
        result = json.loads(tokenize("--json", "a<|im_end|>").stdout)
        self.assertEqual(result["count"], 2)
        self.assertEqual(result["tokens"][1], {"id": 2, "text": "<|im_end|>", "special": True})

    def test_control_tokens_may_be_read_as_text_and_left_out(self):
        ids = json.loads(tokenize("--ids", "--no-parse-special", "<|im_end|>").stdout)
        self.assertNotIn(2, ids)
        self.assertEqual(tokenize("--decode", "--no-special", "2 19556,2").stdout, "Hello\n")

    def test_begin_of_text_is_added_where_the_model_asks_for_it(self):
        self.assertEqual(tokenize("--ids", "a", model="gemma3-270m").stdout, "[2,236746]\n")
        self.assertEqual(tokenize("--ids", "--no-special", "a", model="gemma3-270m").stdout,
                         "[236746]\n")

    def test_bad_input_fails_on_standard_error(self):
        for arguments, message in [(["--decode", "1 x"], "`x` is no token id"),
                                   (["--decode", "49152"], "they go from 0 to 49151")]:
            done = tokenize(*arguments)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn(message, done.stderr)
        with tempfile.TemporaryDirectory() as folder:
            done = tokenize("a", model=pathlib.Path(folder) / "none.gguf")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(tokenize("--ids", "--json", "a").returncode, 2)


if __name__ == "__main__":
    unittest.main()
