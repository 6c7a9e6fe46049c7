"""Jobs of requests, prompts for them, and what their token times say.

The same as apps/lathe/bench/{serve_bench,bench_text}.h, for the peers' workers.
"""
import dataclasses
import math
import re
import time


@dataclasses.dataclass(frozen=True)
class Job:
    """`requests` prompts of `prompt` tokens, each answered greedily with `generate` tokens,
    `at_once` at a time (0: all), the first `shared` tokens in common."""
    requests: int
    prompt: int
    generate: int
    at_once: int = 0
    shared: int = 0

    @staticmethod
    def parse(text):
        match = re.fullmatch(r"(\d+)x(\d+)/(\d+)(?:@(\d+))?(?:\+(\d+))?", text)
        if not match:
            raise ValueError(f"`{text}` is no job: REQUESTSxPROMPT/GENERATE[@ATONCE][+SHARED]")
        return Job(*(int(group or 0) for group in match.groups()))

    @property
    def slots(self):
        return min(self.requests, self.at_once or self.requests)

    @property
    def length(self):
        return self.prompt + self.generate


class PromptCutter:
    """Cuts prompts out of a text's token ids; no two begin with the same two tokens."""

    def __init__(self, text):
        self.text = text
        self.cut = 0

    def next(self, length):
        index, size = self.cut, len(self.text)
        self.cut += 1
        prompt = [self.text[(index * 37 + i) % size] for i in range(length)]
        prompt[:2] = [self.text[index % size], self.text[index // size % size]][:length]
        return prompt

    def prompts(self, job):
        common = self.next(max(job.shared, 1))[:job.shared]
        return [common + self.next(job.prompt - job.shared) for _ in range(job.requests)]


class TokenTimes:
    """When each token of each request came."""

    def __init__(self, requests):
        self.starts = [0.0] * requests
        self.tokens = [[] for _ in range(requests)]

    def start(self, request):
        self.starts[request] = time.perf_counter()

    def add(self, request, count=1):
        self.tokens[request] += [time.perf_counter()] * count

    def summary(self, job, cached_prompt_tokens=0):
        firsts = [times[0] for times in self.tokens]
        begin, end = min(self.starts), max(times[-1] for times in self.tokens)
        generated = sum(map(len, self.tokens))
        inter = [b - a for times in self.tokens for a, b in zip(times, times[1:])]
        return {
            "seconds": end - begin,
            "generated_tokens": generated,
            "prompt_tokens": job.requests * job.prompt,
            "cached_prompt_tokens": cached_prompt_tokens,
            "generated_per_second": generated / (end - begin),
            "prompt_per_second": job.requests * job.prompt / (max(firsts) - begin),
            "decode_per_second": self._decode_per_second(),
            "first_token_ms": percentiles([first - start for first, start in
                                           zip(firsts, self.starts)], 1e3),
            "inter_token_ms": percentiles(inter, 1e3),
        }

    def _decode_per_second(self):
        """While all requests are past their first token and none has ended."""
        begin = max(times[0] for times in self.tokens)
        end = min(times[-1] for times in self.tokens)
        if begin >= end:
            return None
        count = sum(begin < at <= end for times in self.tokens for at in times)
        return count / (end - begin)


def percentiles(values, scale=1.0):
    ordered = sorted(values)
    if not ordered:
        return {"p50": 0, "p90": 0, "p99": 0}
    return {f"p{share}": ordered[math.floor(share / 100 * (len(ordered) - 1) + 0.5)] * scale
            for share in (50, 90, 99)}
