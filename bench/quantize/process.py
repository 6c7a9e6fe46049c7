"""A process with its time and its peak of memory."""
import pathlib
import subprocess
import tempfile
import time

FIELDS = {"VmHWM": "peak_bytes", "RssAnon": "peak_private_bytes"}
SECONDS_BETWEEN_LOOKS = 0.005


class Failed(Exception):
    """A process that ended with an error; the text says which and why."""


def memory_of(pid):
    """Resident bytes: the peak of all so far, and those of now that are no pages of a file."""
    found = dict.fromkeys(FIELDS.values(), 0)
    try:
        lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:  # it has just ended
        lines = []
    for line in lines:
        name, _, value = line.partition(":")
        if name in FIELDS:
            found[FIELDS[name]] = int(value.split()[0]) * 1024
    return found


def run(command):
    """What it prints, its seconds and its peaks, which are the highest seen by looking often.
    What the kernel tells of an ended child counts the process that it was forked from."""
    command = [str(part) for part in command]
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        begin = time.monotonic()
        started = subprocess.Popen(command, stdout=output, stderr=errors)
        peaks = dict.fromkeys(FIELDS.values(), 0)
        while started.poll() is None:
            for key, value in memory_of(started.pid).items():
                peaks[key] = max(peaks[key], value)
            time.sleep(SECONDS_BETWEEN_LOOKS)
        seconds = time.monotonic() - begin
        output.seek(0)
        errors.seek(0)
        if started.returncode != 0:
            raise Failed(f"{' '.join(command)}: {errors.read().strip()}")
        return {"output": output.read(), "seconds": seconds, **peaks}
