# SPDX-License-Identifier: MIT
"""Small checkpoints with random weights of every family, with a text and its logits by forward.py.
Usage: make.py DIRECTORY, which is tests/data/families."""

import json
import pathlib
import sys

import numpy as np

from forward import Model, fp8, read_tokens

STACKED = set()
BASE = {
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 40,
    "max_position_embeddings": 256,
    "rms_norm_eps": 1e-5,
    "tie_word_embeddings": False,
}
LONG = {"short_factor": [1, 1.1, 1.3, 1.6], "long_factor": [1, 2, 4.5, 9]}
GEMMA = {
    "hidden_activation": "gelu_pytorch_tanh",
    "head_dim": 8,
    "query_pre_attn_scalar": 12,
    "sliding_window": 7,
    "tie_word_embeddings": True,
    "attention_bias": False,
}
CAPS = {"attn_logit_softcapping": 2.0, "final_logit_softcapping": 5.0}
GEMMA3 = dict(GEMMA, model_type="gemma3_text", num_hidden_layers=3)


def entry(architecture, kind, dtype="BF16", **more):
    config = dict(BASE, architectures=[architecture], model_type=kind)
    if "hidden_activation" not in more and "text_config" not in more:
        config["hidden_act"] = "silu"
    config.update(more)
    # Not a key of config.json, but of how tensors are written.
    if config.pop("stacked", False):
        STACKED.add(json.dumps(config, sort_keys=True))
    return config, dtype


CHECKPOINTS = {
    "llama": entry(
        "LlamaForCausalLM", "llama", "F32", head_dim=8, rope_theta=1e4, attention_bias=True,
        mlp_bias=True, rope_scaling={"type": "linear", "factor": 2.5},
    ),
    "mistral": entry(
        "MistralForCausalLM", "mistral", head_dim=None, rope_theta=1e4, sliding_window=9
    ),
    "mistral_fp8": entry(
        "MistralForCausalLM", "mistral", "FP8", head_dim=6, sliding_window=None, rope_theta=1e6,
        quantization_config={"quant_method": "fp8", "fmt": "e4m3", "weight_block_size": [10, 9]},
    ),
    "qwen2": entry(
        "Qwen2ForCausalLM", "qwen2", "F16", rope_theta=1e4, use_sliding_window=True,
        sliding_window=5, max_window_layers=1, tie_word_embeddings=True,
        rope_scaling={"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16,
                      "beta_fast": 2.0},
    ),
    "qwen3": entry(
        "Qwen3ForCausalLM", "qwen3", head_dim=10, use_sliding_window=True, sliding_window=6,
        max_window_layers=3, layer_types=["full_attention", "sliding_attention", "full_attention"],
        rope_parameters={"rope_type": "llama3", "rope_theta": 100.0, "factor": 8.0,
                         "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                         "original_max_position_embeddings": 64},
    ),
    "mixtral": entry(
        "MixtralForCausalLM", "mixtral", rope_theta=1e6, sliding_window=None,
        num_local_experts=4, num_experts_per_tok=2, router_aux_loss_coef=0.02,
    ),
    "mixtral_stacked": entry(
        "MixtralForCausalLM", "mixtral", "F16", rope_theta=1e4, sliding_window=9, head_dim=6,
        num_local_experts=3, num_experts_per_tok=1, stacked=True, num_hidden_layers=2,
    ),
    "qwen3_moe": entry(
        "Qwen3MoeForCausalLM", "qwen3_moe", head_dim=10, rope_theta=1e4, num_experts=5,
        num_experts_per_tok=2, moe_intermediate_size=10, norm_topk_prob=False,
        mlp_only_layers=[0], decoder_sparse_step=1, use_sliding_window=False,
        sliding_window=None, max_window_layers=3,
    ),
    "qwen3_moe_stacked": entry(
        "Qwen3MoeForCausalLM", "qwen3_moe", "F32", head_dim=8, rope_theta=1e4, num_experts=4,
        num_experts_per_tok=3, moe_intermediate_size=14, norm_topk_prob=True,
        mlp_only_layers=[], decoder_sparse_step=2, stacked=True, tie_word_embeddings=True,
    ),
    "qwen3_moe_all": entry(
        "Qwen3MoeForCausalLM", "qwen3_moe", "F32", head_dim=8, rope_theta=1e4, num_experts=3,
        num_experts_per_tok=3, moe_intermediate_size=6, norm_topk_prob=True,
        num_hidden_layers=2,
    ),
    "phi3": entry(
        "Phi3ForCausalLM", "phi3", num_key_value_heads=4, hidden_size=32, rope_theta=1e4,
        sliding_window=11, original_max_position_embeddings=64,
        rope_scaling=dict(LONG, type="longrope"),
    ),
    "phi4": entry(
        "Phi3ForCausalLM", "phi3", hidden_size=32, rope_theta=1e4, sliding_window=None,
        partial_rotary_factor=0.75, original_max_position_embeddings=16, resid_pdrop=0.0,
        tie_word_embeddings=True,
        rope_scaling={name: factors[:3] for name, factors in LONG.items()} | {"type": "longrope"},
    ),
    "gemma2": entry("Gemma2ForCausalLM", "gemma2", rope_theta=1e4, **GEMMA, **CAPS),
    "gemma3": entry(
        "Gemma3ForCausalLM", "gemma3_text", "F32", **GEMMA, rope_theta=1e6,
        rope_local_base_freq=1e2, rope_scaling={"rope_type": "linear", "factor": 8.0},
        sliding_window_pattern=3,
    ),
    "gemma3_vision": (
        {
            "architectures": ["Gemma3ForConditionalGeneration"],
            "model_type": "gemma3",
            "vision_config": {"hidden_size": 4},
            "text_config": dict(
                BASE, **GEMMA3 | {
                    "hidden_size": 18,
                    "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
                    "rope_parameters": {
                        "full_attention": {"rope_type": "linear", "rope_theta": 1e6, "factor": 8.0},
                        "sliding_attention": {"rope_type": "default", "rope_theta": 1e3},
                    },
                }
            ),
        },
        "BF16",
    ),
}


# Layers of one checkpoint whose inputs are kept, as a hook keeps them.
WATCHED = ("model.layers.0.self_attn.q_proj", "model.layers.2.mlp.down_proj")


def shapes(config):
    family = config["architectures"][0]
    c = config.get("text_config", config)
    prefix = "language_model." if "text_config" in config else ""
    hidden, inner = c["hidden_size"], c["intermediate_size"]
    d = c.get("head_dim") or hidden // c["num_attention_heads"]
    q, kv = c["num_attention_heads"] * d, c["num_key_value_heads"] * d
    gemma = family.startswith("Gemma")
    yield prefix + "model.embed_tokens.weight", (c["vocab_size"], hidden)
    yield prefix + "model.norm.weight", (hidden,)
    if not c["tie_word_embeddings"]:
        yield prefix + "lm_head.weight", (c["vocab_size"], hidden)
    if prefix:
        yield "vision_tower.patch.weight", (4, 4)
    for i in range(c["num_hidden_layers"]):
        place = f"{prefix}model.layers.{i}."
        norms = ["input_layernorm", "post_attention_layernorm"]
        if gemma:
            norms += ["pre_feedforward_layernorm", "post_feedforward_layernorm"]
        for name in norms:
            yield f"{place}{name}.weight", (hidden,)
        if family in ("Qwen3ForCausalLM", "Qwen3MoeForCausalLM") or family.startswith("Gemma3"):
            yield place + "self_attn.q_norm.weight", (d,)
            yield place + "self_attn.k_norm.weight", (d,)
        layers = {"q_proj": (q, hidden), "k_proj": (kv, hidden), "v_proj": (kv, hidden)}
        if family == "Phi3ForCausalLM":
            layers = {"qkv_proj": (q + 2 * kv, hidden)}
        layers["o_proj"] = (hidden, q)
        for name, shape in layers.items():
            yield f"{place}self_attn.{name}.weight", shape
            biased = family == "Qwen2ForCausalLM" and name != "o_proj"
            if biased or (not gemma and c.get("attention_bias")):
                yield f"{place}self_attn.{name}.bias", shape[:1]
        yield from ffn_shapes(c, family, i, place)


def is_sparse(c, family, i):
    if family == "MixtralForCausalLM":
        return True
    dense = i in c.get("mlp_only_layers", [])
    step = c.get("decoder_sparse_step", 1)
    return family == "Qwen3MoeForCausalLM" and not dense and (i + 1) % step == 0


def expert_shapes(c, family, place):
    hidden = c["hidden_size"]
    inner = c.get("moe_intermediate_size", c["intermediate_size"])
    experts = c.get("num_local_experts") or c["num_experts"]
    if json.dumps(c, sort_keys=True) in STACKED:
        yield place + "mlp.gate.weight", (experts, hidden)
        yield place + "mlp.experts.gate_up_proj", (experts, 2 * inner, hidden)
        yield place + "mlp.experts.down_proj", (experts, hidden, inner)
        return
    part, names = "mlp", ("gate_proj", "up_proj", "down_proj")
    if family == "MixtralForCausalLM":
        part, names = "block_sparse_moe", ("w1", "w3", "w2")
    yield f"{place}{part}.gate.weight", (experts, hidden)
    for e in range(experts):
        for name, shape in zip(names, ((inner, hidden), (inner, hidden), (hidden, inner))):
            yield f"{place}{part}.experts.{e}.{name}.weight", shape


def ffn_shapes(c, family, i, place):
    hidden, inner = c["hidden_size"], c["intermediate_size"]
    if is_sparse(c, family, i):
        yield from expert_shapes(c, family, place)
        return
    if family == "Phi3ForCausalLM":
        layers = {"gate_up_proj": (2 * inner, hidden)}
    else:
        layers = {"gate_proj": (inner, hidden), "up_proj": (inner, hidden)}
    layers["down_proj"] = (hidden, inner)
    for name, shape in layers.items():
        yield f"{place}mlp.{name}.weight", shape
        if c.get("mlp_bias"):
            yield f"{place}mlp.{name}.bias", shape[:1]


def random_tensor(random, name, shape, gemma):
    noise = random.standard_normal(shape)
    if name.endswith("bias"):
        return 0.5 * noise
    if "norm" in name:
        return (0 if gemma else 1) + 0.3 * noise
    if "embed" in name:
        return noise / 2 if gemma else 2 * noise
    return 1.5 * noise / np.sqrt(shape[-1])


def nearest_fp8(x):
    values = fp8(np.arange(256))
    values[[127, 255]] = np.inf
    return np.abs(x.reshape(-1, 1) - values).argmin(axis=1).astype("u1").reshape(x.shape)


def encode(name, values, dtype, config):
    """Tensors that stand for this one: name, type, shape, bytes"""
    if dtype == "FP8":
        if name.endswith("proj.weight"):
            rows, columns = config["quantization_config"]["weight_block_size"]
            across = [-(-n // b) for n, b in zip(values.shape, (rows, columns))]
            scales = np.empty(across, "<f4")
            for i in range(across[0]):
                for j in range(across[1]):
                    block = values[i * rows : (i + 1) * rows, j * columns : (j + 1) * columns]
                    scales[i, j] = np.abs(block).max() / 448
            large = np.repeat(np.repeat(scales, rows, 0), columns, 1)
            bits = nearest_fp8(values / large[: values.shape[0], : values.shape[1]])
            yield name, "F8_E4M3", values.shape, bits.tobytes()
            yield name + "_scale_inv", "F32", scales.shape, scales.tobytes()
            return
        dtype = "BF16"
    if dtype == "BF16":
        bits = values.astype("<f4").view("<u4")
        raw = ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype("<u2").tobytes()
    else:
        raw = values.astype({"F16": "<f2", "F32": "<f4"}[dtype]).tobytes()
    yield name, dtype, values.shape, raw


def write(directory, name, config, dtype):
    random = np.random.default_rng(sum(name.encode()))
    gemma = config["architectures"][0].startswith("Gemma")
    header, data = {}, b""
    for tensor, shape in shapes(config):
        values = random_tensor(random, tensor, shape, gemma)
        for part, kind, size, raw in encode(tensor, values, dtype, config):
            header[part] = {
                "dtype": kind,
                "shape": list(size),
                "data_offsets": [len(data), len(data) + len(raw)],
            }
            data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    (directory / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + data)
    tokens = random.integers(0, 40, 40).astype("<u2")
    tokens.tofile(directory / "tokens.u16")
    model = Model(directory)
    logits = model.logits(read_tokens(directory))
    np.save(directory / "logits.npy", logits.astype("<f4"))
    for layer in WATCHED if name == "gemma2" else ():
        x = model.inputs[layer]
        np.save(directory / f"{layer}.covariance.npy", x.T @ x / len(x))


if __name__ == "__main__":
    for name, (config, dtype) in CHECKPOINTS.items():
        write(pathlib.Path(sys.argv[1]) / name, name, config, dtype)
