"""What is measured. A work is a job (jobs.py) and the number of its summary that counts."""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Work:
    name: str
    job: str
    metric: str = "generated_per_second"
    unit: str = "tok/s"
    quick: str = ""  # a shorter job with the same best settings, for tuning


# Done by every engine in turn.
COMMON = [
    Work("prefill of 512", "1x512/1", "prompt_per_second", quick="1x512/1"),
    Work("decode, 1 sequence", "1x128/65", "decode_per_second", quick="1x128/33"),
    Work("decode, 8 sequences", "8x128/65", "decode_per_second", quick="8x128/17"),
    Work("decode, 16 sequences", "16x128/65", "decode_per_second", quick="16x128/17"),
    Work("decode, 32 sequences", "32x128/65", "decode_per_second", quick="32x64/17"),
    Work("32 sequences, 120 in, 64 out, end to end", "32x120/64", quick="16x120/16"),
]

# 16 clients that ask one after another. Lathe over HTTP, the peers in process.
CLIENTS = Work("16 clients, 120 in, 64 out", "48x120/64@16", quick="16x120/16")

# Lathe against itself.
ALONE = Work("32 requests one at a time", "32x120/64@1")
SHARED = Work("32 prompts of 1,020, 1,000 in common", "32x1020/1+1000", "computed_prompt_tokens",
              "rows")
DISTINCT = Work("32 prompts of 1,020, nothing in common", "32x1020/1", "computed_prompt_tokens",
                "rows")
FLOAT = Work("decode, 1 sequence, weights as F32", "1x128/65", "decode_per_second")


def value_of(work, result):
    if work.metric == "computed_prompt_tokens":
        return result["prompt_tokens"] - result["cached_prompt_tokens"]
    return result[work.metric]
