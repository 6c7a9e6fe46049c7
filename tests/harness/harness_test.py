"""The same tasks by `lathe eval` and by lm-evaluation-harness over HTTP, document by document.

    harness_test.py LATHE MODEL        (run by tests/harness/run, which makes the environment)

The harness takes its token ids from the server as well, so that it needs neither
transformers nor the model's files. Both sides compute in float32; the engine's promise is
that a row's bits do not depend on what else runs, so that hardly any difference is allowed.
"""
import contextlib, json, math, pathlib, re, subprocess, sys, tempfile

lathe, model = sys.argv[1:3]
tasks = pathlib.Path(__file__).resolve().parent.parent / "golden" / "eval" / "tasks"
CONTEXT = 1024
LOGPROB_DIFFERENCE_MAX = 1e-5

# Tasks, documents of each, further options of both programs: all three kinds of request,
# examples before the question, a text longer than the context.
WORKS = [
    (["arc_easy", "gsm8k"], 16, []),
    (["trec"], 16, ["--num_fewshot", "3"]),
    (["wikitext2"], 1, []),
]


@contextlib.contextmanager
def serving():
    command = [lathe, "serve", "--model", model, "--activations", "f32", "--port", "0",
               "--log-level", "warn"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline()
            port = re.search(r"http://[^ ]*:(\d+)", line)
            assert port, f"the server said {line!r}"
            yield f"http://127.0.0.1:{port[1]}"
        finally:
            process.terminate()
        assert process.wait() == 0


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, cwd=tasks)
    assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"


def by_harness(url, files, limit, more, output):
    # One token of its max_length goes to the token that it asks for, one to the first context.
    run(sys.executable, "-m", "lm_eval", "run", "--model", "local-completions", "--model_args",
        f"base_url={url}/v1/completions,model={model},num_concurrent=16,"
        f"max_length={CONTEXT + 2}", "--tasks", files, "--limit", str(limit),
        "--log_samples", "--output_path", str(output), *more)
    [folder] = output.iterdir()
    return folder


def by_lathe(files, limit, more, output):
    run(lathe, "eval", "--model", model, "--activations", "f32", "--context", str(CONTEXT),
        "--tasks", files, "--limit", str(limit), "--output", str(output),
        *[option.replace("_", "-") for option in more])
    return output


def read(folder, task):
    [results] = folder.glob("results*.json")
    [samples] = folder.glob(f"samples_{task}_local*.jsonl")
    rows = [json.loads(line) for line in samples.read_text().splitlines()]
    rows.sort(key=lambda row: row["doc_id"])
    return json.loads(results.read_text())["results"][f"{task}_local"], rows


def same(theirs, ours):
    """Texts and choices exactly, log-probabilities (which samples show as texts) nearly."""
    if isinstance(theirs, list) and isinstance(ours, list):
        return len(theirs) == len(ours) and all(map(same, theirs, ours))
    if all(isinstance(one, str) and re.fullmatch(r"-\d+\.\d{5,}", one) for one in (theirs, ours)):
        theirs, ours = float(theirs), float(ours)
    if isinstance(theirs, float) and isinstance(ours, (int, float)):
        return math.isclose(theirs, ours, rel_tol=1e-7, abs_tol=LOGPROB_DIFFERENCE_MAX)
    return theirs == ours


def compare(task, theirs, ours):
    (their_results, their_rows), (our_results, our_rows) = theirs, ours
    assert len(their_rows) == len(our_rows) > 0
    for their_row, our_row in zip(their_rows, our_rows):
        assert their_row.keys() == our_row.keys(), (task, their_row.keys(), our_row.keys())
        for key, value in their_row.items():
            assert same(value, our_row[key]), (task, our_row["doc_id"], key, value, our_row[key])
    scores = {key: value for key, value in their_results.items() if "," in key}
    assert scores, their_results
    for key, value in scores.items():
        assert same(value, our_results[key]), (task, key, value, our_results[key])


with serving() as url, tempfile.TemporaryDirectory() as scratch:
    for number, (names, limit, more) in enumerate(WORKS):
        files = ",".join(f"{name}.yaml" for name in names)
        folder = pathlib.Path(scratch) / str(number)
        theirs = by_harness(url, files, limit, more, folder / "harness")
        ours = by_lathe(files, limit, more, folder / "lathe")
        for task in names:
            compare(task, read(theirs, task), read(ours, task))
            print(f"{task}: the same, {limit} documents")
