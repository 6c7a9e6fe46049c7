"""Distance of a path from float32 on the same weights, as `lathe divergence` measures it: of
Lathe's own paths, and of llama.cpp."""
import json
import os
import pathlib
import subprocess
import sys

import engines

HERE = pathlib.Path(__file__).resolve().parent


def own_path(model, arguments, path):
    """`path` as auto/int8: activations, then keys and values."""
    activations, _, kv_type = path.partition("/")
    done = subprocess.run([engines.LATHE, "divergence", "--model", model, "--activations",
                           activations, "--kv-type", kv_type or "auto", "--json", *arguments],
                          check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def llama_path(model, arguments, settings):
    """Both engines at once: Lathe writes its log-probabilities into a pipe, llama.cpp's side
    reads them."""
    read_end, write_end = os.pipe()
    writer = subprocess.Popen([engines.LATHE, "divergence", "--model", model, "--reference-only",
                               "--logprobs", f"/dev/fd/{write_end}", "--json", *arguments],
                              pass_fds=[write_end], stdout=subprocess.DEVNULL)
    reader = subprocess.Popen([engines.VENV / "bin" / "python", HERE / "llama_divergence.py", model,
                               f"/dev/fd/{read_end}", json.dumps(settings)],
                              pass_fds=[read_end], stdout=subprocess.PIPE)
    # So that each sees the other's end.
    os.close(read_end)
    os.close(write_end)
    answer = reader.communicate()[0]
    if writer.wait() != 0 or reader.returncode != 0:
        sys.exit("run: the comparison with llama.cpp failed: lathe divergence ended with "
                 f"{writer.returncode}, llama.cpp with {reader.returncode}")
    return json.loads(answer)
