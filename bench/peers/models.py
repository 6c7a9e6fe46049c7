"""Where fetched models lie."""
import os
import pathlib
import subprocess
import sys


def model_path(name):
    """The file itself, or that of a model which scripts/fetch-model has fetched."""
    if pathlib.Path(name).is_file():
        return pathlib.Path(name)
    home = pathlib.Path(os.environ.get("LATHE_HOME") or pathlib.Path(
        os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "lathe")
    files = sorted((home / "models" / name).glob("*.gguf"))
    if not files:
        sys.exit(f"run: no GGUF file and no fetched model `{name}`; scripts/fetch-model {name}")
    return files[0]


def dithered_copy(model, folder, python):
    """The model as bench/quantize/dither.py makes it, which `python` runs; made once and kept."""
    script = pathlib.Path(__file__).resolve().parent.parent / "quantize" / "dither.py"
    copy = folder / f"{model.stem}-dithered.gguf"
    if not copy.exists():
        print(f"{model.stem}: making the dithered copy", file=sys.stderr, flush=True)
        folder.mkdir(parents=True, exist_ok=True)
        part = copy.with_suffix(".part")
        subprocess.run([python, script, model, part], check=True, stdout=subprocess.DEVNULL)
        part.rename(copy)
    return copy
