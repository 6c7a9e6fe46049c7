"""When requests come, in seconds from the start."""
import random


def poisson(rate, count, seed):
    """Independent users: exponential gaps, `rate` requests a second in the mean."""
    draw, at = random.Random(seed), 0.0
    for _ in range(count):
        at += draw.expovariate(rate)
        yield at


def uniform(rate, count):
    """Evenly spaced."""
    for i in range(count):
        yield i / rate


def burst(rate, count, size):
    """`size` at the same moment, again and again, `rate` requests a second in the mean."""
    for i in range(count):
        yield i // size * size / rate
