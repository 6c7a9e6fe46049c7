"""Where fetched models lie."""
import os
import pathlib
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
