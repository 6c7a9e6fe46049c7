"""The machine that numbers come from: they stand beside what it reached at the time."""
import datetime
import json
import subprocess

import engines

FLAGS = ("avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8")


def measured(model, threads):
    """What it can do now, as `lathe bench` measures it."""
    done = subprocess.run([engines.LATHE, "bench", "--model", model, "--threads", str(threads),
                           "--works", "decode", "--sequences", "1", "--generate", "4", "--repeat",
                           "1", "--json"], check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True)
    return engines.machine_of(json.loads(done.stdout))


def facts(bench, cores):
    """`bench` (measured(), or nothing) with what does not change, the commit and the day."""
    flags = next((line.split(":")[1].split() for line in open("/proc/cpuinfo")
                  if line.startswith("flags")), [])
    commit = subprocess.run(["git", "-C", engines.ROOT, "describe", "--always", "--dirty"],
                            stdout=subprocess.PIPE, text=True).stdout.strip()
    return {**(bench or {}), "flags": [flag for flag in FLAGS if flag in flags], "cores": cores,
            "commit": commit, "date": datetime.date.today().isoformat(),
            "memory_gb": round(int(open("/proc/meminfo").readline().split()[1]) / 1e6, 1)}


def line(machine):
    flags = f" ({', '.join(machine['flags'])})" if "flags" in machine else ""
    memory = f", {machine['memory_gb']} GB" if "memory_gb" in machine else ""
    return (f"{machine.get('cpu', 'unknown CPU')}, {machine['cores']} cores{flags}{memory}; "
            f"measured now: {peak_text(machine)}.")


def peak_text(machine):
    peak = machine.get("machine_peak", {})
    tiles = peak.get("bf16_gflops", 0)
    return (f"int8 {peak.get('int8_gops', 0):.0f} GOPS, f32 {peak.get('f32_gflops', 0):.0f} "
            f"GFLOPS, {f'bf16 tiles {tiles:.0f} GFLOPS, ' if tiles else ''}"
            f"memory {peak.get('memory_gb_per_second', 0):.1f} GB/s")


def short_line(machine, rounds):
    """For a chart."""
    peak = machine.get("machine_peak", {})
    return (f"{machine.get('cpu', '')}, {machine['cores']} cores; int8 "
            f"{peak.get('int8_gops', 0):.0f} GOPS, memory "
            f"{peak.get('memory_gb_per_second', 0):.1f} GB/s; medians of {rounds}")
