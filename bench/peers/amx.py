"""Lets a peer run as on a machine without AMX tiles.

Linux hands tiles out by permission only, and refuses it to a process with a signal stack too small
for their state. The engines take the refusal as a machine without tiles."""
import ctypes
import sys

STACK_BYTES = 2048


class SignalStack(ctypes.Structure):
    _fields_ = [("address", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t)]


_memory = ctypes.create_string_buffer(STACK_BYTES)  # must live as long as the process


def refuse():
    """Call before the engine's library is initialised."""
    stack = SignalStack(ctypes.addressof(_memory), 0, STACK_BYTES)
    if ctypes.CDLL(None, use_errno=True).sigaltstack(ctypes.byref(stack), None) != 0:
        sys.exit(f"cannot refuse AMX: errno {ctypes.get_errno()}")


def present():
    with open("/proc/cpuinfo") as facts:
        return "amx_int8" in facts.read()
