#!/usr/bin/env python3
"""lathe eval --server against lathe serve: the scores that the model's file gives.

    eval_server_test.py LATHE MODEL
"""
import json, pathlib, re, signal, subprocess, sys, tempfile

lathe, model = sys.argv[1:3]
golden = pathlib.Path(__file__).resolve().parent.parent / "golden" / "eval" / "tasks"


def run(*args, code=0):
    done = subprocess.run([lathe, "eval", *args], capture_output=True, text=True)
    assert done.returncode == code, f"{args}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def samples(folder, task):
    return [json.loads(line) for line in (folder / f"samples_{task}.jsonl").read_text().splitlines()]


def check(subject, scratch, task, limit):
    tasks = ["--tasks", str(golden / f"{task}.yaml"), "--limit", str(limit)]
    here, there = scratch / f"{task}-here", scratch / f"{task}-there"
    run("--model", model, "--activations", "f32", *tasks, "--output", str(here))
    run(*subject, *tasks, "--output", str(there))
    both = json.loads(run("diff", str(here), str(there), "--json").stdout)
    assert both["tasks"] and not both["changed"] and not both["warnings"], both
    for a, b in zip(samples(here, f"{task}_local"), samples(there, f"{task}_local")):
        for mine, theirs in zip(a["filtered_resps"], b["filtered_resps"]):
            if isinstance(mine, str):
                assert mine == theirs, (mine, theirs)
            else:
                assert abs(float(mine[0]) - float(theirs[0])) < 1e-3, (mine, theirs)
                assert mine[1] == theirs[1], (mine, theirs)


server = subprocess.Popen([lathe, "serve", "--model", model, "--activations", "f32", "--port", "0"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
try:
    for line in server.stdout:
        if found := re.search(r"http://127\.0\.0\.1:\d+", line):
            break
    else:
        raise AssertionError("lathe serve ended")
    address = found[0] + "/v1"
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        check(["--server", address], scratch, "arc_easy", 12)
        check(["--server", address], scratch, "gsm8k", 3)
        chat = run("--server", address, "--apply-chat-template", "--tasks",
                   str(golden / "gsm8k.yaml"), "--limit", "2", "--num-fewshot", "1", "--output",
                   str(scratch / "chat"), "--json").stdout
        assert "exact_match,strict-match" in chat or "exact_match" in chat, chat
        wrong = run("--server", address, "--model", "other", "--tasks", str(golden / "gsm8k.yaml"),
                    "--output", str(scratch / "x"), code=1).stderr
        assert f"it has {model}" in wrong, wrong
        refused = run("--server", address, "--tasks", str(golden / "wikitext2.yaml"), "--limit",
                      "1", "--output", str(scratch / "y"), code=1).stderr
        assert "tokenizer" in refused and "--model" in refused, refused
finally:
    server.send_signal(signal.SIGTERM)
    server.wait()
print("lathe eval --server: ok")
