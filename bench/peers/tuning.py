"""Finds a peer's own best settings for a work, by trying."""
import sys

import amx
import engines

# What is tried, one after the other; what is faster stays.
LLAMA_STEPS = [{"flash": False}, {"repack": False}, {"unified_kv": True}, {"ubatch": 128},
               {"ubatch": 2048}]
OPENVINO_STEPS = [{"batch_rows": 512}, {"batch_rows": 2048}]


class Tuner:
    """For one machine: `threads` at most, AMX tiles only if `allow_amx`."""

    def __init__(self, threads, allow_amx):
        self.threads = threads
        self.amx = allow_amx and amx.present()

    def first_settings(self, engine):
        common = {"threads": self.threads, "amx": self.amx}
        if engine == "llama.cpp":
            return {**common, "flash": True, "repack": True, "unified_kv": False, "ubatch": 512}
        return {**common, "batch_rows": 256}

    def steps_of(self, engine):
        steps = [{"amx": False}] if self.amx else []
        steps += LLAMA_STEPS if engine == "llama.cpp" else OPENVINO_STEPS
        fewer = {self.threads // 2, self.threads - 1} - {0}
        return steps + [{"threads": count} for count in sorted(fewer)]

    def best_settings(self, engine, start, work):
        """`start(settings)` starts the engine. Returns the settings and every trial."""
        settings, best = self.first_settings(engine), 0
        trials = []
        for step in [{}, *self.steps_of(engine)]:
            tried = {**settings, **step}
            trials.append(trial(start, tried, work))
            if trials[-1]["tokens_per_second"] > best:
                settings, best = tried, trials[-1]["tokens_per_second"]
        if best == 0:
            raise engines.Unavailable(trials[0]["error"])
        return settings, trials

    def best_type(self, start, files, work):
        """The name in `files` (name -> path) that llama.cpp is fastest with, and all speeds.
        `start(path, settings)` starts it."""
        speeds = {}
        for name, path in files.items():
            for settings in ({}, {"amx": False}) if self.amx else ({},):
                tried = {**self.first_settings("llama.cpp"), **settings}
                done = trial(lambda chosen: start(path, chosen), tried, work)
                speeds[name] = max(speeds.get(name, 0), done["tokens_per_second"])
        return max(speeds, key=speeds.get), speeds


def trial(start, settings, work):
    """Tokens a second of the quick job, the better of two; 0 where the engine fails."""
    try:
        engine = start(settings)
        try:
            speed = max(engine.serve(work.quick)[work.metric] for _ in range(2))
        finally:
            engine.close()
    except engines.Unavailable as error:
        print(f"{work.quick} with {settings}: {error}", file=sys.stderr)
        return {"settings": settings, "tokens_per_second": 0, "error": str(error)}
    return {"settings": settings, "tokens_per_second": speed}
