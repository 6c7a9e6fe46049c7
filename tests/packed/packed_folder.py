"""GPTQ and AWQ folders of a GGUF file's model: its matrices rounded to four bits as both methods
store them (to the nearest code, without their search for better ones), the rest in F16.

The layouts are those of tools/make-packed-golden.
"""
import dataclasses
import importlib.machinery
import importlib.util
import json
import pathlib
import sys

import numpy as np
from safetensors.numpy import save_file

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "bench" / "eval"))
from hf_folder import Model  # noqa: E402


def script(path):
    loader = importlib.machinery.SourceFileLoader(path.name.replace("-", "_"), str(path))
    module = importlib.util.module_from_spec(
        importlib.util.spec_from_loader(loader.name, loader))
    sys.dont_write_bytecode = True
    loader.exec_module(module)
    return module


golden = script(ROOT / "tools" / "make-packed-golden")


@dataclasses.dataclass(frozen=True)
class Format:
    method: str  # gptq or awq
    group_size: int
    symmetric: bool = False
    act_order: bool = False
    checkpoint_format: str | None = None  # of gptq

    def config(self):
        common = {"quant_method": self.method, "bits": 4, "group_size": self.group_size}
        if self.method == "awq":
            return {**common, "version": "gemm", "zero_point": True,
                    "modules_to_not_convert": None}
        stated = {"checkpoint_format": self.checkpoint_format} if self.checkpoint_format else {}
        return {**common, "sym": self.symmetric, "desc_act": self.act_order,
                "true_sequential": True, "damp_percent": 0.01, **stated}

    @property
    def takes_one_off(self):  # zero points, before they are packed
        return self.method == "gptq" and self.checkpoint_format != "gptq_v2"


def rounded(weights, group_of, groups, form):
    """Codes [inputs, outputs], zero points and scales [groups, outputs]."""
    lowest = np.zeros((groups, weights.shape[1]), np.float32)
    highest = np.zeros_like(lowest)
    np.minimum.at(lowest, group_of, weights)
    np.maximum.at(highest, group_of, weights)
    if form.symmetric:
        scales = 2 * np.maximum(-lowest, highest) / 15
        zeros = np.full(lowest.shape, 8)
    else:
        scales = (highest - lowest) / 15
        zeros = np.rint(-lowest / np.maximum(scales, 1e-9))
        zeros = np.clip(zeros, 1 if form.takes_one_off else 0, 15).astype(int)
    scales = np.maximum(scales, 6e-5).astype(np.float16)
    codes = np.rint(weights / scales.astype(np.float32)[group_of]) + zeros[group_of]
    return np.clip(codes, 0, 15).astype(int), zeros, scales


def pack(name, weights, form):
    """The tensors of a matrix [outputs, inputs], and the numbers that they stand for."""
    weights = np.ascontiguousarray(weights.T)
    inputs = weights.shape[0]
    groups = -(-inputs // form.group_size)
    group_of = np.arange(inputs) // form.group_size
    if form.act_order:  # the inputs that weigh most come first
        order = np.argsort(-np.square(weights).sum(axis=1), kind="stable")
        group_of[order] = np.arange(inputs) // form.group_size
    codes, zeros, scales = rounded(weights, group_of, groups, form)
    values = scales.astype(np.float32)[group_of] * (codes - zeros[group_of]).astype(np.float32)
    if form.method == "awq":
        tensors = {"qweight": golden.packed(codes, 1, golden.AWQ_ORDER),
                   "qzeros": golden.packed(zeros, 1, golden.AWQ_ORDER), "scales": scales}
    else:
        tensors = {"qweight": golden.packed(codes, 0),
                   "qzeros": golden.packed(zeros - form.takes_one_off, 1), "scales": scales,
                   "g_idx": group_of.astype(np.int32)}
    return ({f"{name.removesuffix('.weight')}.{part}": value for part, value in tensors.items()},
            np.ascontiguousarray(values.T))


def write_folder(model, form, folder):
    """Writes the folder and returns what its packed matrices stand for: {name: [outputs, inputs]}."""
    folder.mkdir()
    config = {**model.config(), "torch_dtype": "float16", "quantization_config": form.config()}
    for name, content in (("config.json", config), ("tokenizer.json", model.tokenizer()),
                          ("tokenizer_config.json", model.tokenizer_config())):
        (folder / name).write_text(json.dumps(content, ensure_ascii=False))
    tensors, meant = {}, {}
    for name, values in model.tensors():
        if name.endswith("_proj.weight"):
            packed, meant[name] = pack(name, values, form)
            tensors |= packed
        else:
            tensors[name] = values.astype(np.float16)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    return meant
