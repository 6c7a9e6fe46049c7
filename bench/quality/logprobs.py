"""Reads the stream that `lathe divergence --logprobs` writes (apps/lathe/logprob_file.h)."""
import numpy

MAGIC = b"LATHELP1"
ROWS_AT_ONCE = 32


def _exactly(stream, size):
    data = stream.read(size)
    if len(data) != size:
        raise ValueError("the stream of log-probabilities was cut off")
    return data


def _number(stream):
    return int.from_bytes(_exactly(stream, 4), "little")


def windows(stream):
    """Yields (token ids, iterator over blocks of rows) per window; a block is [rows, vocabulary]
    float32 and row i belongs to the token after ids[i]. Blocks must be read before the next
    window."""
    if _exactly(stream, len(MAGIC)) != MAGIC:
        raise ValueError("no stream of log-probabilities")
    vocab = _number(stream)
    while count := _number(stream):
        ids = numpy.frombuffer(_exactly(stream, 4 * count), dtype="<i4")
        yield ids, _blocks(stream, count, vocab)


def _blocks(stream, count, vocab):
    for begin in range(0, count, ROWS_AT_ONCE):
        rows = min(ROWS_AT_ONCE, count - begin)
        data = _exactly(stream, 4 * rows * vocab)
        yield numpy.frombuffer(data, dtype="<f4").reshape(rows, vocab)
