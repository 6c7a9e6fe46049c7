"""Finds a peer's own best settings for a work, by trying."""
import sys

import engines

# What is tried, one after the other; what is faster stays.
LLAMA_STEPS = [{"flash": False}, {"repack": False}, {"unified_kv": True}, {"ubatch": 128},
               {"ubatch": 2048}]
OPENVINO_STEPS = [{"batch_rows": 512}, {"batch_rows": 2048}]


def first_settings(engine, threads):
    if engine == "llama.cpp":
        return {"threads": threads, "flash": True, "repack": True, "unified_kv": False,
                "ubatch": 512}
    return {"threads": threads, "batch_rows": 256}


def steps_of(engine, threads):
    fewer = [{"threads": count} for count in sorted({threads // 2, threads - 1}) if count > 0]
    return (LLAMA_STEPS if engine == "llama.cpp" else OPENVINO_STEPS) + fewer


def speed_of(start, settings, work):
    """Tokens a second of the quick job, the better of two."""
    engine = start(settings)
    try:
        return max(engine.serve(work.quick)[work.metric] for _ in range(2))
    finally:
        engine.close()


def best_settings(engine, start, threads, work):
    """`start(settings)` starts the engine. Returns the settings and every trial."""
    settings = first_settings(engine, threads)
    best = speed_of(start, settings, work)
    trials = [{"settings": settings, "tokens_per_second": best}]
    for step in steps_of(engine, threads):
        tried = {**settings, **step}
        speed = speed_of(start, tried, work)
        trials.append({"settings": tried, "tokens_per_second": speed})
        if speed > best:
            settings, best = tried, speed
    return settings, trials


def best_file(start, files, threads, work):
    """The name in `files` (name -> path) that llama.cpp is fastest with."""
    speeds = {}
    for name, path in files.items():
        try:
            speeds[name] = speed_of(lambda settings: start(path, settings),
                                    first_settings("llama.cpp", threads), work)
        except engines.Unavailable as error:
            print(f"llama.cpp with {name}: {error}", file=sys.stderr)
    return max(speeds, key=speeds.get), speeds
