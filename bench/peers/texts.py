"""Texts that are measured on."""
import json
import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
WIKITEXT = ROOT / "tests" / "golden" / "eval" / "data" / "wikitext2_test.jsonl"
CALIBRATION_DOCUMENTS = 12  # of WIKITEXT's 37


def documents_of(path):
    """The `text` fields of a .jsonl file."""
    return [json.loads(line)["text"] for line in path.read_text().splitlines() if line]


def cut(text, bytes_max):
    return text.encode()[:bytes_max].decode(errors="ignore")


def wikitext(folder, calibrate_bytes, evaluate_bytes):
    """Two files in `folder` with nothing in common: to calibrate on, and to measure on."""
    documents = documents_of(WIKITEXT)
    halves = {"calibrate.txt": (documents[:CALIBRATION_DOCUMENTS], calibrate_bytes),
              "evaluate.txt": (documents[CALIBRATION_DOCUMENTS:], evaluate_bytes)}
    for name, (part, size) in halves.items():
        (folder / name).write_text(cut("\n\n".join(part), size))
    return [folder / name for name in halves]
