"""The same weights as another type, by llama.cpp's own quantizer.

usage: requantize.py MODEL.gguf OUT.gguf TYPE (F32, F16, Q4_0, Q8_0, Q4_K_M, Q6_K)
"""
import ctypes
import sys

import llama_cpp.llama_cpp as lc

TYPES = {"F32": lc.LLAMA_FTYPE_ALL_F32, "F16": lc.LLAMA_FTYPE_MOSTLY_F16,
         "Q4_0": lc.LLAMA_FTYPE_MOSTLY_Q4_0, "Q8_0": lc.LLAMA_FTYPE_MOSTLY_Q8_0,
         "Q4_K_M": lc.LLAMA_FTYPE_MOSTLY_Q4_K_M, "Q6_K": lc.LLAMA_FTYPE_MOSTLY_Q6_K}

_quiet = lc.llama_log_callback(lambda level, text, data: None)


def main():
    if len(sys.argv) != 4 or sys.argv[3] not in TYPES:
        sys.exit(__doc__)
    source, target, kind = sys.argv[1:]
    lc.llama_log_set(_quiet, ctypes.c_void_p(0))
    params = lc.llama_model_quantize_default_params()
    params.ftype = TYPES[kind]
    params.allow_requantize = True
    if lc.llama_model_quantize(source.encode(), target.encode(), params) != 0:
        sys.exit(f"llama.cpp cannot make {kind} of {source}")


if __name__ == "__main__":
    main()
