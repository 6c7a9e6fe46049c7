"""One model in several precisions: how fast it decodes, what it keeps of its scores."""
import json
import random
import statistics
import subprocess

import subjects
import texts
from models import dithered_copy

# Name in the table: how `lathe quantize` makes it of the dithered model. The first is the
# reference.
FILES = {
    "F32": ["--to", "F32"],
    "Q8_0": ["--to", "Q8_0"],
    "Q4_K_M": ["--to", "Q4_K_M"],
    "Q4_K_M, importance": ["--to", "Q4_K_M", "--calibrate"],
    "searched, same size": ["--target-size", "Q4_K_M", "--calibrate"],
}
# Tasks of data/eval in which models of this size are well above guessing, else there is nothing
# to lose; and of an answer each, for their documents say most in the time.
TASKS = ["blimp", "arc_easy", "hellaswag", "clinc_domain"]
CALIBRATION_BYTES = 50_000
RESAMPLES = 10_000
# The metric of a task that counts, the first that it has.
METRICS = ["acc_norm", "acc", "exact_match", "token_f1"]


def run_lathe(*command):
    return subprocess.run([str(part) for part in (subjects.LATHE, *command)], check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout


def files_of(options, model, scratch, say):
    """{name: file}, made of the dithered model once by each build."""
    source = dithered_copy(model, subjects.BUILD / "eval-models", subjects.VENV / "bin" / "python")
    built = subjects.LATHE.stat().st_mtime
    of_text = f"-{options.calibrate.stem}" if options.calibrate else ""
    text = options.calibrate or texts.wikitext(scratch, CALIBRATION_BYTES, 0)[0]
    files = {}
    for name in options.files:
        calibrated = "--calibrate" in FILES[name]
        plain = name.replace(", ", "-").replace(" ", "-") + (of_text if calibrated else "")
        files[name] = source.with_name(f"{model.stem}-{plain}.gguf")
        if not files[name].exists() or files[name].stat().st_mtime < built:
            say(f"{model.stem}: making {name}")
            more = [text] if calibrated else []
            run_lathe("quantize", source, files[name], "-q", *FILES[name], *more)
    return files


def decode(model, threads):
    """One sequence, as `lathe bench` measures it, with the peak of that moment."""
    report = json.loads(run_lathe("bench", "--model", model, "--threads", threads, "--works",
                                  "decode", "--sequences", "1", "--json"))
    [result] = report["results"]
    return {"tokens_per_second": result["tokens_per_second"],
            "bandwidth_share": result["shares"]["bandwidth"],
            "memory_gb_per_second": report["machine_peak"]["memory_gb_per_second"]}


def metric_of(samples):
    return next(name for name in METRICS if name in samples[0])


def kept(reference, scores):
    """Share of the summed task scores that is left, and its 95 % interval: documents of each
    task are drawn again, the same for both. Both are {task: [score of each document]}."""
    rng = random.Random(20261126)

    def share(draws):
        totals = [sum(statistics.fmean(side[task][i] for i in draws[task]) for task in reference)
                  for side in (scores, reference)]
        return totals[0] / totals[1] if totals[1] > 0 else float("nan")

    whole = share({task: range(len(values)) for task, values in reference.items()})
    found = sorted(share({task: rng.choices(range(len(values)), k=len(values))
                          for task, values in reference.items()}) for _ in range(RESAMPLES))
    return {"share": whole, "low": found[int(0.025 * RESAMPLES)],
            "high": found[int(0.975 * RESAMPLES)]}


def scores_of(options, file, scratch, say):
    """{task: [score of each document]} and {task: metric}."""
    scores, metrics = {}, {}
    for task in options.precision_tasks:
        say(f"{file.stem}, {task}")
        samples = subjects.lathe_eval(file, task, scratch, options.limit,
                                      ["--threads", options.threads])["samples"]
        metrics[task] = metric_of(samples)
        ordered = sorted(samples, key=lambda sample: sample["doc_id"])
        scores[task] = [float(sample[metrics[task]]) for sample in ordered]
    return scores, metrics


def measure(options, model, scratch, say):
    files = files_of(options, model, scratch, say)
    runs = {name: [] for name in files}
    for number in range(options.rounds):
        for name, file in files.items():
            say(f"{file.stem}, decode, round {number + 1}")
            runs[name].append(decode(file, options.threads))
    found = {name: scores_of(options, file, scratch, say) for name, file in files.items()}
    reference = found[options.files[0]][0]
    return [{"name": name, "bytes": file.stat().st_size,
             **{key: statistics.median(run[key] for run in runs[name]) for key in runs[name][0]},
             "runs": runs[name], "metrics": found[name][1],
             "scores": {task: statistics.fmean(values) for task, values in found[name][0].items()},
             "documents": sum(map(len, found[name][0].values())),
             "kept": kept(reference, found[name][0])} for name, file in files.items()]
