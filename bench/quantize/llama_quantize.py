"""llama.cpp's quantizer through its C interface, in a process of its own so that its peak of
memory can be told (process.py).

usage: llama_quantize.py MODEL.gguf OUT.gguf MIX THREADS [IMATRIX.dat]
Prints {"seconds", "before"}: of the quantizer alone, and what Python took in memory before.
"""
import ctypes
import json
import os
import struct
import sys
import time

import llama_cpp.llama_cpp as lc

import process

MIXES = {"Q8_0": lc.LLAMA_FTYPE_MOSTLY_Q8_0, "Q6_K": lc.LLAMA_FTYPE_MOSTLY_Q6_K,
         "Q5_K_M": lc.LLAMA_FTYPE_MOSTLY_Q5_K_M, "Q4_K_M": lc.LLAMA_FTYPE_MOSTLY_Q4_K_M,
         "Q4_K_S": lc.LLAMA_FTYPE_MOSTLY_Q4_K_S, "Q4_0": lc.LLAMA_FTYPE_MOSTLY_Q4_0,
         "Q3_K_M": lc.LLAMA_FTYPE_MOSTLY_Q3_K_M, "Q2_K": lc.LLAMA_FTYPE_MOSTLY_Q2_K}

_quiet = lc.llama_log_callback(lambda level, text, data: None)


class ImatrixEntry(ctypes.Structure):  # llama_model_imatrix_data
    _fields_ = [("name", ctypes.c_char_p), ("data", ctypes.POINTER(ctypes.c_float)),
                ("size", ctypes.c_size_t)]


def read_imatrix(path):
    """Entries as llama.cpp wants them: mean squares, ended by one without a name."""
    data = open(path, "rb").read()
    (count,), at, entries = struct.unpack_from("<i", data), 4, []
    for _ in range(count):
        (length,) = struct.unpack_from("<i", data, at)
        name = data[at + 4:at + 4 + length]
        calls, size = struct.unpack_from("<ii", data, at + 4 + length)
        at += 12 + length
        values = [value / max(1, calls) for value in struct.unpack_from(f"<{size}f", data, at)]
        at += 4 * size
        entries.append(ImatrixEntry(name, (ctypes.c_float * size)(*values), size))
    entries.append(ImatrixEntry(None, None, 0))
    return (ImatrixEntry * len(entries))(*entries)


def main():
    if len(sys.argv) not in (5, 6) or sys.argv[3] not in MIXES:
        sys.exit(__doc__)
    source, target, mix, threads = sys.argv[1:5]
    lc.llama_log_set(_quiet, ctypes.c_void_p(0))
    params = lc.llama_model_quantize_default_params()
    params.ftype = MIXES[mix]
    params.nthread = int(threads)
    params.allow_requantize = True
    if len(sys.argv) == 6:
        imatrix = read_imatrix(sys.argv[5])
        params.imatrix = ctypes.cast(imatrix, type(params.imatrix))
    before = process.memory_of(os.getpid())
    begin = time.monotonic()
    if lc.llama_model_quantize(source.encode(), target.encode(), params) != 0:
        sys.exit(f"llama.cpp cannot make {mix} of {source}")
    seconds = time.monotonic() - begin
    print(json.dumps({"seconds": seconds, "before": before}))


if __name__ == "__main__":
    main()
