"""A model whose weights are no grid, from one that has been quantized before.

usage: dither.py MODEL.gguf OUT.gguf

Quantizing a file that was quantized before finds the old grid again, which says nothing about
original weights. Here every matrix gets uniform noise of about the old step, so that its weights
are as good as continuous; the result, in F16, is then the model that others are compared with. It
predicts a little worse than the model it comes from, which does not matter for divergence.
"""
import sys

import gguf
import numpy as np
from gguf.quants import dequantize


def copy_metadata(reader, writer):
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name in ("general.architecture",
                                                            "general.file_type"):
            continue
        kind = field.types[0]
        sub = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, field.contents(), kind, sub_type=sub)


def dithered(values, rng):
    blocks = values.reshape(-1, 32)
    step = (blocks.max(axis=1) - blocks.min(axis=1)) / 15
    noise = rng.uniform(-0.5, 0.5, blocks.shape).astype(np.float32) * step[:, None]
    return (blocks + noise).reshape(values.shape)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    reader = gguf.GGUFReader(sys.argv[1])
    arch = reader.fields["general.architecture"].contents()
    writer = gguf.GGUFWriter(sys.argv[2], arch)
    copy_metadata(reader, writer)
    rng = np.random.default_rng(1)
    for tensor in reader.tensors:
        shape = [int(n) for n in reversed(tensor.shape)]
        values = dequantize(tensor.data, tensor.tensor_type).astype(np.float32).reshape(shape)
        if len(shape) > 1:
            values = dithered(values, rng).astype(np.float16)
        writer.add_tensor(tensor.name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main()
