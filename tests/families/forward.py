# SPDX-License-Identifier: MIT
"""The logits of a small checkpoint, as plainly as can be: one text, double precision, every tensor
looked up by its name. Written from the formulas of the families alone, as the truth that tests
compare watersic-llm with. Usage: forward.py DIRECTORY prints the logits of tokens.u16 in there."""

import json
import math
import pathlib
import sys

import numpy as np


def fp8(bits):
    """Numbers of FP8 E4M3."""
    sign = np.where(bits & 0x80, -1.0, 1.0)
    exponent = (bits >> 3 & 15).astype(int)
    fraction = (bits & 7).astype(float)
    normal = (8 + fraction) * 2.0 ** (exponent - 10)
    return sign * np.where(exponent == 0, fraction * 2.0**-9, normal)


def read_tensors(path):
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        raw = data[8 + length + begin : 8 + length + end]
        kind = entry["dtype"]
        if kind == "BF16":
            values = (np.frombuffer(raw, "<u2").astype("<u4") << 16).view("<f4")
        elif kind == "F8_E4M3":
            values = fp8(np.frombuffer(raw, "u1"))
        else:
            values = np.frombuffer(raw, {"F16": "<f2", "F32": "<f4", "F64": "<f8"}[kind])
        tensors[name] = values.astype(float).reshape(entry["shape"])
    return tensors, {name: entry["dtype"] for name, entry in header.items()}


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def silu(x):
    return x / (1 + np.exp(-x))


def gelu_tanh(x):
    return x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


class Model:
    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.config = json.loads((self.directory / "config.json").read_text())
        self.family = self.config["architectures"][0]
        self.prefix = ""
        self.block_size = self.config.get("quantization_config", {}).get("weight_block_size")
        if "text_config" in self.config:
            self.config = self.config["text_config"]
            self.prefix = "language_model."
        self.tensors, self.types = read_tensors(self.directory / "model.safetensors")
        c = self.config
        self.inputs = {}  # of layers, by their names
        self.gemma = self.family.startswith("Gemma")
        self.heads = c["num_attention_heads"]
        self.kv_heads = c.get("num_key_value_heads") or self.heads
        self.head_dim = c.get("head_dim") or c["hidden_size"] // self.heads

    def tensor(self, name):
        values = self.tensors[self.prefix + name]
        scales = self.tensors.get(self.prefix + name + "_scale_inv")
        if scales is not None:
            rows, columns = self.block_size
            large = np.repeat(np.repeat(scales, rows, axis=0), columns, axis=1)
            values = values * large[: values.shape[0], : values.shape[1]]
        return values

    def has(self, name):
        return self.prefix + name in self.tensors

    def linear(self, name, x):
        self.inputs[name] = x
        y = x @ self.tensor(name + ".weight").T
        return y + self.tensor(name + ".bias") if self.has(name + ".bias") else y

    def norm(self, name, x):
        gains = self.tensor(name + ".weight")
        if self.gemma:
            gains = 1 + gains
        rms = np.sqrt((x * x).mean(axis=-1, keepdims=True) + self.config["rms_norm_eps"])
        return gains * x / rms

    def is_sliding(self, i):
        c = self.config
        if c.get("layer_types"):
            return c["layer_types"][i] == "sliding_attention"
        if self.family.startswith("Qwen"):
            return bool(c.get("use_sliding_window")) and i >= c["max_window_layers"]
        if self.family == "Gemma2ForCausalLM":
            return i % 2 == 0
        if self.gemma:
            return (i + 1) % c["sliding_window_pattern"] != 0
        return c.get("sliding_window") is not None and self.family != "LlamaForCausalLM"

    def rotations(self, sliding, length):
        """Cosines and sines, length × pairs."""
        c = self.config
        scaling = c.get("rope_scaling")
        theta = c.get("rope_theta")
        if c.get("rope_parameters"):
            scaling = c["rope_parameters"]
            if "full_attention" in scaling:
                scaling = scaling["sliding_attention" if sliding else "full_attention"]
            theta = scaling["rope_theta"]
        elif self.family.startswith("Gemma3") and sliding:
            scaling = None
            theta = c["rope_local_base_freq"]
        scaling = scaling or {}
        kind = scaling.get("rope_type", scaling.get("type", "default"))
        part = c.get("partial_rotary_factor", scaling.get("partial_rotary_factor", 1))
        d = int(self.head_dim * part)
        i = np.arange(d // 2)
        inverse = theta ** (-2.0 * i / d)
        growth = 1.0
        if kind == "linear":
            inverse = inverse / scaling["factor"]
        elif kind == "llama3":
            original = scaling["original_max_position_embeddings"]
            low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
            waves = 2 * math.pi / inverse
            smooth = (original / waves - low) / (high - low)
            mixed = (1 - smooth) * inverse / scaling["factor"] + smooth * inverse
            slow = np.where(waves > original / low, inverse / scaling["factor"], mixed)
            inverse = np.where(waves < original / high, inverse, slow)
        elif kind == "yarn":
            original = scaling["original_max_position_embeddings"]

            def pair(beta):
                return d * math.log(original / (2 * math.pi * beta)) / (2 * math.log(theta))

            low = max(math.floor(pair(scaling.get("beta_fast", 32))), 0)
            high = min(math.ceil(pair(scaling.get("beta_slow", 1))), d - 1)
            ramp = np.clip((i - low) / (high - low if high > low else 0.001), 0, 1)
            inverse = inverse / scaling["factor"] * ramp + inverse * (1 - ramp)
            growth = 0.1 * math.log(scaling["factor"]) + 1
        elif kind == "longrope":
            original = c.get("original_max_position_embeddings")
            original = original or scaling["original_max_position_embeddings"]
            name = "short_factor" if length <= original else "long_factor"
            inverse = inverse / np.array(scaling[name], dtype=float)
            ratio = c["max_position_embeddings"] / original
            growth = math.sqrt(1 + math.log(ratio) / math.log(original))
        angles = np.arange(length)[:, None] * inverse
        return growth * np.cos(angles), growth * np.sin(angles)

    @staticmethod
    def rotate(x, cosine, sine):
        """x: tokens × heads × head_dim"""
        half = cosine.shape[1]
        turning, rest = x[..., : 2 * half], x[..., 2 * half :]
        other = np.concatenate([-turning[..., half:], turning[..., :half]], axis=-1)
        both = [np.concatenate([part, part], axis=-1)[:, None] for part in (cosine, sine)]
        return np.concatenate([turning * both[0] + other * both[1], rest], axis=-1)

    def attention(self, i, x):
        c = self.config
        place = f"model.layers.{i}.self_attn."
        tokens = len(x)
        sizes = [n * self.head_dim for n in (self.heads, self.kv_heads, self.kv_heads)]
        if self.family == "Phi3ForCausalLM":
            q, k, v = np.split(self.linear(place + "qkv_proj", x), np.cumsum(sizes)[:2], axis=1)
        else:
            q, k, v = (self.linear(place + n, x) for n in ("q_proj", "k_proj", "v_proj"))
        q = q.reshape(tokens, self.heads, self.head_dim)
        k = k.reshape(tokens, self.kv_heads, self.head_dim)
        v = v.reshape(tokens, self.kv_heads, self.head_dim)
        if self.has(place + "q_norm.weight"):
            q, k = self.norm(place + "q_norm", q), self.norm(place + "k_norm", k)
        sliding = self.is_sliding(i)
        cosine, sine = self.rotations(sliding, tokens)
        q, k = self.rotate(q, cosine, sine), self.rotate(k, cosine, sine)
        scale = (c["query_pre_attn_scalar"] if self.gemma else self.head_dim) ** -0.5
        distance = np.arange(tokens)[:, None] - np.arange(tokens)
        seen = distance >= 0
        if sliding:
            seen &= distance < c["sliding_window"]
        out = np.empty_like(q)
        for h in range(self.heads):
            g = h // (self.heads // self.kv_heads)
            scores = q[:, h] @ k[:, g].T * scale
            cap = c.get("attn_logit_softcapping")
            if cap:
                scores = cap * np.tanh(scores / cap)
            out[:, h] = softmax(np.where(seen, scores, -np.inf)) @ v[:, g]
        return self.linear(place + "o_proj", out.reshape(tokens, -1))

    def mlp(self, place, x):
        act = gelu_tanh if self.gemma else silu
        if self.has(place + "gate_up_proj.weight"):
            gate, up = np.split(self.linear(place + "gate_up_proj", x), 2, axis=1)
        else:
            gate, up = self.linear(place + "gate_proj", x), self.linear(place + "up_proj", x)
        return self.linear(place + "down_proj", act(gate) * up)

    def expert(self, i, e, x):
        place = f"model.layers.{i}.mlp.experts."
        if self.has(place + "gate_up_proj"):
            gate, up = np.split(x @ self.tensor(place + "gate_up_proj")[e].T, 2, axis=1)
            return (silu(gate) * up) @ self.tensor(place + "down_proj")[e].T
        if self.family == "MixtralForCausalLM":
            place = f"model.layers.{i}.block_sparse_moe.experts.{e}."
            hidden = silu(self.linear(place + "w1", x)) * self.linear(place + "w3", x)
            return self.linear(place + "w2", hidden)
        return self.mlp(f"{place}{e}.", x)

    def experts(self, i, x):
        c = self.config
        mixtral = self.family == "MixtralForCausalLM"
        router = f"model.layers.{i}.block_sparse_moe.gate"
        if not self.has(router + ".weight"):
            router = f"model.layers.{i}.mlp.gate"
        p = softmax(self.linear(router, x))
        k = c["num_experts_per_tok"]
        chosen = np.argsort(-p, axis=1, kind="stable")[:, :k]
        weights = np.take_along_axis(p, chosen, axis=1)
        if mixtral or c["norm_topk_prob"]:
            weights = weights / weights.sum(axis=1, keepdims=True)
        out = np.zeros_like(x)
        for e in range(p.shape[1]):
            tokens, rank = np.nonzero(chosen == e)
            if len(tokens):
                out[tokens] += weights[tokens, rank][:, None] * self.expert(i, e, x[tokens])
        return out

    def is_sparse(self, i):
        c = self.config
        if self.family == "MixtralForCausalLM":
            return True
        if self.family != "Qwen3MoeForCausalLM" or i in c.get("mlp_only_layers", []):
            return False
        return (i + 1) % c.get("decoder_sparse_step", 1) == 0

    def ffn(self, i, x):
        return self.experts(i, x) if self.is_sparse(i) else self.mlp(f"model.layers.{i}.mlp.", x)

    def embedding_factor(self):
        if not self.gemma:
            return 1
        root = math.sqrt(self.config["hidden_size"])
        if self.types[self.prefix + "model.embed_tokens.weight"] == "BF16":
            exponent = math.floor(math.log2(root)) - 7
            root = round(root / 2.0**exponent) * 2.0**exponent
        return root

    def logits(self, tokens):
        c = self.config
        x = self.tensor("model.embed_tokens.weight")[tokens] * self.embedding_factor()
        for i in range(c["num_hidden_layers"]):
            place = f"model.layers.{i}."
            a = self.attention(i, self.norm(place + "input_layernorm", x))
            if self.gemma:
                x = x + self.norm(place + "post_attention_layernorm", a)
                f = self.ffn(i, self.norm(place + "pre_feedforward_layernorm", x))
                x = x + self.norm(place + "post_feedforward_layernorm", f)
            else:
                x = x + a
                x = x + self.ffn(i, self.norm(place + "post_attention_layernorm", x))
        x = self.norm("model.norm", x)
        tied = c.get("tie_word_embeddings", self.gemma)
        head = self.tensor("model.embed_tokens.weight" if tied else "lm_head.weight")
        logits = x @ head.T
        cap = c.get("final_logit_softcapping")
        return cap * np.tanh(logits / cap) if cap else logits


def read_tokens(directory):
    return np.fromfile(pathlib.Path(directory) / "tokens.u16", "<u2").astype(int)


if __name__ == "__main__":
    np.savetxt(sys.stdout, Model(sys.argv[1]).logits(read_tokens(sys.argv[1])))
