#!/usr/bin/env python3
"""lathe choose as its users run it: the report, kill -9 and going on, a server, errors.

    choose_test.py LATHE MODEL
"""
import json, os, pathlib, re, signal, socket, subprocess, sys, tempfile, time, urllib.request

lathe, model = sys.argv[1:3]
task = pathlib.Path(__file__).resolve().parent.parent / "golden" / "eval" / "tasks" / "arc_easy.yaml"

BRIEF = """
title = "Science questions"
screen_documents = 8
documents = 16
[[task]]
name = "science"
file = "{task}"
[[task]]
prompts = "prompts.jsonl"
match = "contains"
max_length = 12
[limits]
memory_gib = 2
users = 2
[traffic]
prompt_tokens = 32
answer_tokens = 8
[money]
machine_hour = 0.1
{candidates}
[[machine]]
name = "rtx-4090"
"""
LOCAL = f'[[candidate]]\nmodel = "{model}"\nprecisions = ["as-is", "Q2_K"]\n'


def run(*args, code=0, **options):
    done = subprocess.run([lathe, *map(str, args)], capture_output=True, text=True, **options)
    assert done.returncode == code, f"{args}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(url, process):
    for _ in range(600):
        assert process.poll() is None, "the server ended"
        try:
            return urllib.request.urlopen(url).read()
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{url} does not answer")


with tempfile.TemporaryDirectory() as scratch:
    scratch = pathlib.Path(scratch)
    # Quantized models are kept in the home: a home of its own, with the models of the other.
    home = pathlib.Path(os.environ.get("LATHE_HOME") or pathlib.Path(
        os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "lathe")
    (scratch / "home").mkdir()
    (scratch / "home" / "models").symlink_to(home / "models")
    os.environ["LATHE_HOME"] = str(scratch / "home")
    (scratch / "prompts.jsonl").write_text(
        '{"prompt": "The capital of France is", "expected": "Paris"}\n')
    brief = scratch / "brief.toml"
    brief.write_text(BRIEF.format(task=task, candidates=LOCAL))

    # Killed when some documents are answered, and gone on with.
    out = scratch / "out"
    journal = out / "runs" / f"{model}_as-is" / "1-science" / "journal.jsonl"
    process = subprocess.Popen([lathe, "choose", str(brief), "--output", str(out)],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and (
            not journal.exists() or journal.read_text().count("\n") < 4):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (out / "choice.json").exists()
    table = run("choose", brief, "--output", out).stdout
    assert journal.read_text().count("\n") == 1 + 16, "nothing is asked twice"
    assert f"Take {model}" in table and "Predictions from published figures" in table, table
    page = (out / "report.html").read_text()
    assert page.count("<svg") == 3 and "<script" not in page

    choice = json.loads((out / "choice.json").read_text())
    names = [one["name"] for one in choice["candidates"]]
    assert names == [f"{model} as-is", f"{model} Q2_K"], names
    assert choice["recommended"] in names
    assert [one["documents"] for one in choice["tasks"]] == [16, 1]
    assert choice["tasks"][0]["chance"] == 0.25
    for one in choice["candidates"]:
        measured = one["measured"]
        assert measured["first_token_ms"] > 0 and measured["tokens_per_second"] > 0
        # The model has 92 MiB: neither nothing nor what another process once took.
        assert 0.05 < measured["memory_gib"] < 0.6, measured
        assert measured["cost_per_million_tokens"] > 0
    assert "quantized before" in choice["candidates"][1]["remark"]
    made = list((scratch / "home" / "quantized").iterdir())
    assert len(made) == 1 and made[0].name.endswith("-Q2_K.gguf"), made

    # The same again measures nothing, and says the same of quality.
    times = {file: file.stat().st_mtime_ns for file in out.glob("runs/*/*/journal.jsonl")}
    again = json.loads(run("choose", brief, "--output", out, "--json", "--language", "zh").stdout)
    assert again["ranking"][0]["quality"] == choice["ranking"][0]["quality"]
    assert times == {file: file.stat().st_mtime_ns for file in out.glob("runs/*/*/journal.jsonl")}
    assert "推荐" in (out / "report.html").read_text()

    # A server's model, whose answers are those of the same model here.
    port = free_port()
    server = subprocess.Popen([lathe, "serve", "--model", model, "--port", str(port)],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(f"http://127.0.0.1:{port}/v1/models", server)
        remote = (f'[[candidate]]\nserver = "http://127.0.0.1:{port}/v1"\nmodel = "{model}"\n'
                  "input_price_per_million = 0.5\noutput_price_per_million = 2.0\n"
                  '[[candidate]]\nserver = "http://127.0.0.1:1/v1"\nmodel = "nobody"\n')
        brief.write_text(BRIEF.format(task=task, candidates=remote))
        done = run("choose", brief, "--output", scratch / "remote", "--quick", "--json")
        far, nobody = json.loads(done.stdout)["candidates"]
        assert far["stage"] == "measured" and far["tasks"]["science"]["documents"] == 8, far
        assert far["measured"]["cost_per_million_tokens"] == 2.0 + 4 * 0.5
        assert far["measured"]["first_token_ms"] > 0 and far["measured"]["memory_gib"] is None
        assert nobody["stage"] == "failed" and nobody["failure"], nobody
    finally:
        server.terminate()
        server.wait()

    brief.write_text(BRIEF.format(task=task, candidates=LOCAL).replace("users = 2", "user = 2"))
    wrong = run("choose", brief, "--output", scratch / "x", code=1).stderr
    assert re.search(r"limits\.user \(line \d+\).*users", wrong), wrong
    brief.write_text(BRIEF.format(task=task,
                                  candidates='[[candidate]]\nmodel = "no-such-model"\n'))
    lost = run("choose", brief, "--output", scratch / "x", code=1).stderr
    assert "no-such-model" in lost and "line" in lost, lost
    assert not (scratch / "x").exists()
print("lathe choose: ok")
