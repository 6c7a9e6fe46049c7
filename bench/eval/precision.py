"""One model in several precisions: how fast it decodes, what it keeps of its scores."""
import json
import random
import statistics
import subprocess

import subjects

MIXES = ["F32", "Q8_0", "Q4_K_M"]
RESAMPLES = 10_000
# The metric of a task that counts, the first that it has.
METRICS = ["acc_norm", "acc", "exact_match"]


def run_lathe(*command):
    return subprocess.run([str(part) for part in (subjects.LATHE, *command)], check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout


def files_of(options, model):
    """{mix: file}, made once from the dithered model."""
    folder = subjects.BUILD / "eval-models"
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / f"{model.stem}-dithered.gguf"
    if not source.exists():
        subprocess.run([subjects.VENV / "bin" / "python",
                        subjects.ROOT / "bench" / "quantize" / "dither.py", model,
                        source.with_suffix(".part")], check=True)
        source.with_suffix(".part").rename(source)
    files = {}
    for mix in MIXES:
        weighed = options.calibrate is not None and mix == "Q4_K_M"
        files[mix] = folder / f"{model.stem}-{mix}{'-weighed' if weighed else ''}.gguf"
        if not files[mix].exists():
            more = ["--calibrate", options.calibrate] if weighed else []
            run_lathe("quantize", source, files[mix], "--to", mix, "-q", *more)
    return files


def decode_speed(model, threads):
    """Tokens a second of one sequence, as `lathe bench` measures it."""
    report = json.loads(run_lathe("bench", "--model", model, "--threads", threads, "--works",
                                  "decode", "--sequences", "1", "--repeat", "1", "--json"))
    [result] = report["results"]
    return result["tokens_per_second"]


def scores_of(samples):
    metric = next(name for name in METRICS if name in samples[0])
    return [float(sample[metric]) for sample in samples]


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


def measure(options, model, scratch, folder, say):
    files = files_of(options, model)
    speeds = {mix: [] for mix in MIXES}
    for number in range(options.rounds):
        for mix in MIXES:
            say(f"{model.stem} as {mix}, decode, round {number + 1}")
            speeds[mix].append(decode_speed(files[mix], options.threads))
    scores = {mix: {} for mix in MIXES}
    for mix in MIXES:
        for name in options.tasks:
            say(f"{model.stem} as {mix}, {name}")
            run = subjects.lathe_eval(files[mix], folder / f"{name}.yaml", scratch, options.limit,
                                      ["--threads", options.threads])
            scores[mix][name] = scores_of(run["samples"])
    return [{"mix": mix, "bytes": files[mix].stat().st_size,
             "tokens_per_second": statistics.median(speeds[mix]), "rounds": speeds[mix],
             "scores": {task: statistics.fmean(values) for task, values in scores[mix].items()},
             "documents": sum(map(len, scores[mix].values())),
             "kept": kept(scores["F32"], scores[mix])} for mix in MIXES]
