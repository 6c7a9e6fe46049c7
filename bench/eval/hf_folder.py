"""A Hugging Face folder with the weights of a GGUF file, expanded to float32, so that
transformers computes with the very numbers that Lathe reads.

usage: hf_folder.py MODEL.gguf FOLDER

Knows the architectures llama and qwen2 with the pre-tokenizers smollm and qwen2.
transformers reads GGUF files itself, but makes up the tokenizer's rules.
"""
import json
import pathlib
import sys

import gguf
import numpy as np
from gguf.quants import dequantize
from safetensors.numpy import save_file

PARTS = {"attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj",
         "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
         "attn_output": "self_attn.o_proj", "ffn_norm": "post_attention_layernorm",
         "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj"}
OUTSIDE = {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight":
           "model.norm.weight", "output.weight": "lm_head.weight"}
QWEN2_SPLIT = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+"
               r"[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
NORMAL = 1  # tokenizer.ggml.token_type of what is no special token


class Model:
    def __init__(self, path):
        self.reader = gguf.GGUFReader(path)
        self.arch = self.get("general.architecture")
        if self.arch not in ("llama", "qwen2"):
            sys.exit(f"hf_folder: {path} is of the architecture {self.arch}, not llama or qwen2")

    def get(self, key, default=None):
        field = self.reader.fields.get(key)
        return default if field is None else field.contents()

    def of_arch(self, key):
        return self.get(f"{self.arch}.{key}")

    def config(self):
        names = {tensor.name for tensor in self.reader.tensors}
        width, heads = self.of_arch("embedding_length"), self.of_arch("attention.head_count")
        return {"model_type": self.arch,
                "architectures": [{"llama": "LlamaForCausalLM",
                                   "qwen2": "Qwen2ForCausalLM"}[self.arch]],
                "vocab_size": len(self.get("tokenizer.ggml.tokens")), "hidden_size": width,
                "intermediate_size": self.of_arch("feed_forward_length"),
                "num_hidden_layers": self.of_arch("block_count"), "num_attention_heads": heads,
                "num_key_value_heads": self.of_arch("attention.head_count_kv"),
                "head_dim": width // heads, "hidden_act": "silu",
                "max_position_embeddings": self.of_arch("context_length"),
                "rms_norm_eps": float(self.of_arch("attention.layer_norm_rms_epsilon")),
                "rope_theta": float(self.of_arch("rope.freq_base")),
                "tie_word_embeddings": "output.weight" not in names, "use_sliding_window": False,
                "bos_token_id": self.get("tokenizer.ggml.bos_token_id"),
                "eos_token_id": self.get("tokenizer.ggml.eos_token_id"),
                "torch_dtype": "float32"}

    def tensors(self):
        heads = {"attn_q.weight": self.of_arch("attention.head_count"),
                 "attn_k.weight": self.of_arch("attention.head_count_kv")}
        for tensor in self.reader.tensors:
            values = dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
            values = values.reshape(tuple(int(size) for size in reversed(tensor.shape)))
            _, _, part = tensor.name.partition(".")
            _, _, part = part.partition(".")
            if self.arch == "llama" and part in heads:
                # Files of llama have a head's halves interleaved.
                count = heads[part]
                values = (values.reshape(count, -1, 2, values.shape[1]).swapaxes(1, 2)
                          .reshape(values.shape))
            yield hf_name(tensor.name), np.ascontiguousarray(values)

    def tokenizer(self):
        tokens, kinds = self.get("tokenizer.ggml.tokens"), self.get("tokenizer.ggml.token_type")
        added = [{"id": number, "content": token, "single_word": False, "lstrip": False,
                  "rstrip": False, "normalized": False, "special": True}
                 for number, (token, kind) in enumerate(zip(tokens, kinds)) if kind != NORMAL]
        byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False}
        splits = {"smollm": ({"type": "Digits", "individual_digits": True}, True),
                  "qwen2": ({"type": "Split", "pattern": {"Regex": QWEN2_SPLIT},
                             "behavior": "Isolated", "invert": False}, False)}
        first, regex = splits[self.get("tokenizer.ggml.pre")]
        return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
                "normalizer": {"type": "NFC"} if self.arch == "qwen2" else None,
                "pre_tokenizer": {"type": "Sequence", "pretokenizers":
                                  [first, {**byte_level, "use_regex": regex}]},
                "post_processor": None, "decoder": {**byte_level, "use_regex": regex},
                "model": {"type": "BPE", "dropout": None, "unk_token": None,
                          "continuing_subword_prefix": None, "end_of_word_suffix": None,
                          "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                          "vocab": {token: number for number, token in enumerate(tokens)},
                          "merges": self.get("tokenizer.ggml.merges")}}

    def tokenizer_config(self):
        tokens = self.get("tokenizer.ggml.tokens")
        return {"tokenizer_class": "PreTrainedTokenizerFast",
                "model_max_length": self.of_arch("context_length"),
                "clean_up_tokenization_spaces": False,
                **{f"{name}_token": tokens[self.get(f"tokenizer.ggml.{name}_token_id")]
                   for name in ("bos", "eos")}}


def hf_name(name):
    if name in OUTSIDE:
        return OUTSIDE[name]
    _, layer, part, kind = name.split(".")
    return f"model.layers.{layer}.{PARTS[part]}.{kind}"


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    model, folder = Model(sys.argv[1]), pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (("tokenizer.json", model.tokenizer()),
                          ("tokenizer_config.json", model.tokenizer_config()),
                          ("config.json", model.config())):
        (folder / name).write_text(json.dumps(content, ensure_ascii=False))
    # Last and at once: a folder with weights is a whole one.
    save_file(dict(model.tensors()), folder / "part", metadata={"format": "pt"})
    (folder / "part").rename(folder / "model.safetensors")


if __name__ == "__main__":
    main()
