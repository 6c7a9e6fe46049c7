"""Percentiles and speeds of many answers."""
import math


def percentiles(values):
    ordered = sorted(values)
    if not ordered:
        return {"p50": None, "p90": None, "p99": None}
    return {f"p{share}": ordered[math.floor(share / 100 * (len(ordered) - 1) + 0.5)]
            for share in (50, 90, 99)}


def summarize(answers, client_cpu_seconds):
    good = [answer for answer in answers if not answer.error]
    out = {"requests": len(answers), "failed": len(answers) - len(good),
           "errors": sorted({answer.error for answer in answers if answer.error})[:5]}
    if not good:
        return out
    begin = min(answer.start for answer in answers)
    seconds = max(answer.end for answer in good) - begin
    generated = sum(answer.tokens for answer in good)
    return {
        **out,
        "seconds": seconds,
        "generated_tokens": generated,
        "prompt_tokens": sum(answer.prompt_tokens for answer in good),
        "cached_prompt_tokens": sum(answer.cached_tokens for answer in good),
        "generated_per_second": generated / seconds,
        "first_token_ms": percentiles([(answer.chunks[0] - answer.start) * 1e3
                                       for answer in good]),
        "inter_token_ms": percentiles([(b - a) * 1e3 for answer in good
                                       for a, b in zip(answer.chunks, answer.chunks[1:])]),
        "total_ms": percentiles([(answer.end - answer.start) * 1e3 for answer in good]),
        "client_cpu_share": client_cpu_seconds / seconds,
    }


def as_table(summary):
    lines = [f"{summary['requests']} requests, {summary['failed']} failed"]
    lines += [f"  {error}" for error in summary["errors"]]
    if "seconds" not in summary:
        return "\n".join(lines)
    lines.append(f"{summary['generated_tokens']} tokens in {summary['seconds']:.2f} s: "
                 f"{summary['generated_per_second']:.1f} tok/s; prompts "
                 f"{summary['prompt_tokens']} tokens, {summary['cached_prompt_tokens']} cached; "
                 f"this client took {summary['client_cpu_share']:.0%} of a core")
    lines.append(f"{'milliseconds':16}{'p50':>10}{'p90':>10}{'p99':>10}")
    for name, key in (("first token", "first_token_ms"), ("between tokens", "inter_token_ms"),
                      ("whole answer", "total_ms")):
        values = summary[key]
        lines.append(f"{name:16}" + "".join(
            f"{'-':>10}" if value is None else f"{value:10.1f}" for value in values.values()))
    return "\n".join(lines)
