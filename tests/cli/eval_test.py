#!/usr/bin/env python3
"""lathe eval as its users run it: results, kill -9 and going on, errors.

    eval_test.py LATHE MODEL
"""
import json, os, pathlib, signal, subprocess, sys, tempfile, time

lathe, model = sys.argv[1:3]
golden = pathlib.Path(__file__).resolve().parent.parent / "golden" / "eval"
task = golden / "tasks" / "arc_easy.yaml"


def command(output, *more):
    return [lathe, "eval", "--model", model, "--activations", "f32", "--tasks", str(task),
            "--limit", "24", "--output", str(output), *more]


def run(*args, code=0):
    done = subprocess.run(args, capture_output=True, text=True)
    assert done.returncode == code, f"{args}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


with tempfile.TemporaryDirectory() as scratch:
    scratch = pathlib.Path(scratch)
    whole, broken = scratch / "whole", scratch / "broken"
    table = run(*command(whole)).stdout
    assert "arc_easy_local" in table and "acc_norm" in table, table
    results = json.loads((whole / "results.json").read_text())
    assert results["n-samples"]["arc_easy_local"]["effective"] == 24
    progress = json.loads((whole / "progress.json").read_text())
    assert [progress[key] for key in ("state", "model", "tasks", "done", "total", "found")] == [
        "done", results["subject"]["model"], ["arc_easy_local"], 24, 24, 0], progress
    scores = results["results"]["arc_easy_local"]
    expected = [json.loads(line)["scores"]
                for line in (golden / f"{model}-arc_easy.jsonl").read_text().splitlines()[:24]]
    for metric in ("acc", "acc_norm"):
        mean = sum(score[metric] for score in expected) / len(expected)
        assert abs(scores[f"{metric},none"] - mean) < 1e-12, scores

    # Killed as soon as some documents are answered, and gone on with.
    journal = broken / "journal.jsonl"
    process = subprocess.Popen(command(broken), stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    while process.poll() is None and (
            not journal.exists() or journal.read_text().count("\n") < 4):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = journal.read_text().count("\n") - 1
    assert before >= 3
    assert json.loads((broken / "progress.json").read_text())["state"] == "running"
    run(*command(broken))
    progress = json.loads((broken / "progress.json").read_text())
    assert progress["state"] == "done" and progress["found"] == before, progress
    samples = "samples_arc_easy_local.jsonl"
    assert (broken / samples).read_bytes() == (whole / samples).read_bytes()
    assert journal.read_text().count("\n") == 1 + 24, "nothing is asked twice"

    # Two runs compared: with themselves, and with the quick path.
    same = json.loads(run(lathe, "eval", "diff", str(whole), str(broken), "--json").stdout)
    assert [row["ties"] for row in same["tasks"]] == [24, 24] and not same["changed"], same
    quick = scratch / "quick"
    run(*[part if part != "f32" else "auto" for part in command(quick)])
    text = run(lathe, "eval", "diff", str(whole), str(quick)).stdout
    assert "b - a" in text and "arc_easy_local acc_norm:" in text, text
    nothing = run(lathe, "eval", "diff", str(whole), str(scratch / "x"), code=1).stderr
    assert "no results.json" in nothing, nothing

    # Another model's answers are not mixed in.
    refused = run(*command(broken, "--kv-type", "f16"), code=1).stderr
    assert "kv_type" in refused and "--output" in refused, refused

    # Without --output a run goes where the console looks.
    path = json.loads(run(lathe, "inspect", model, "--json").stdout)["path"]
    environment = {**os.environ, "LATHE_HOME": str(scratch / "home")}
    for _ in range(2):
        subprocess.run([lathe, "eval", "--model", path, "--tasks", str(task), "--limit", "1"],
                       env=environment, check=True, capture_output=True)
    made = list((scratch / "home" / "runs").iterdir())
    assert len(made) == 2 and all((folder / "results.json").exists() for folder in made), made

    lost = run(lathe, "eval", "--model", model, "--tasks", "lost.yaml", "--output",
               str(scratch / "x"), code=1).stderr
    assert "lost.yaml" in lost, lost

    prompts = scratch / "prompts.jsonl"
    prompts.write_text('{"prompt": "The capital of France is", "expected": "Paris"}\n')
    checked = run(lathe, "eval", "--model", model, "--activations", "f32", "--prompts",
                  str(prompts), "--match", "contains", "--max-length", "12", "--output",
                  str(scratch / "prompts"), "--json").stdout
    assert json.loads(checked)["results"]["prompts"]["contains,none"] == 1, checked
print("lathe eval: ok")
