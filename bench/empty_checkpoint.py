#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write a checkpoint of the shapes of a published model, with zeros that take no room on the disk, for
`watersic-llm quantize --dry-run`, which reads shapes alone.

usage: empty_checkpoint.py llama-3.2-1b|qwen3-0.6b|qwen3-8b DIRECTORY"""
import json
import os
import struct
import sys

LLAMA = dict(architectures=["LlamaForCausalLM"], model_type="llama", hidden_act="silu",
             rms_norm_eps=1e-5, attention_bias=False, mlp_bias=False)
QWEN3 = dict(architectures=["Qwen3ForCausalLM"], model_type="qwen3", hidden_act="silu",
             rms_norm_eps=1e-6, attention_bias=False, rope_theta=1e6, rope_scaling=None)


def sizes(hidden, intermediate, blocks, heads, kv_heads, head_dim, vocabulary, positions, tied):
    return dict(hidden_size=hidden, intermediate_size=intermediate, num_hidden_layers=blocks,
                num_attention_heads=heads, num_key_value_heads=kv_heads, head_dim=head_dim,
                vocab_size=vocabulary, max_position_embeddings=positions, tie_word_embeddings=tied)


MODELS = {
    "llama-3.2-1b": dict(
        LLAMA, **sizes(2048, 8192, 16, 32, 8, 64, 128256, 131072, True), rope_theta=500000.0,
        rope_scaling=dict(rope_type="llama3", factor=32.0, low_freq_factor=1.0,
                          high_freq_factor=4.0, original_max_position_embeddings=8192)),
    "qwen3-0.6b": dict(QWEN3, **sizes(1024, 3072, 28, 16, 8, 128, 151936, 40960, True)),
    "qwen3-8b": dict(QWEN3, **sizes(4096, 12288, 36, 32, 8, 128, 151936, 40960, False)),
}


def shapes(config):
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    query = config["num_attention_heads"] * config["head_dim"]
    key = config["num_key_value_heads"] * config["head_dim"]
    yield "model.embed_tokens.weight", [config["vocab_size"], hidden]
    for i in range(config["num_hidden_layers"]):
        block = f"model.layers.{i}."
        for name, rows, columns in [
                ("self_attn.q_proj", query, hidden), ("self_attn.k_proj", key, hidden),
                ("self_attn.v_proj", key, hidden), ("self_attn.o_proj", hidden, query),
                ("mlp.gate_proj", inner, hidden), ("mlp.up_proj", inner, hidden),
                ("mlp.down_proj", hidden, inner)]:
            yield f"{block}{name}.weight", [rows, columns]
        for name in ["input_layernorm", "post_attention_layernorm"]:
            yield f"{block}{name}.weight", [hidden]
        if config["model_type"] == "qwen3":
            for name in ["q_norm", "k_norm"]:
                yield f"{block}self_attn.{name}.weight", [config["head_dim"]]
    yield "model.norm.weight", [hidden]
    if not config["tie_word_embeddings"]:
        yield "lm_head.weight", [config["vocab_size"], hidden]


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in MODELS:
        sys.exit(__doc__.splitlines()[-1])
    config, directory = MODELS[sys.argv[1]], sys.argv[2]
    header, end = {}, 0
    for name, shape in shapes(config):
        begin, count = end, 1
        for size in shape:
            count *= size
        end = begin + 2 * count
        header[name] = dict(dtype="BF16", shape=shape, data_offsets=[begin, end])
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, "config.json"), "w", encoding="utf-8") as file:
        json.dump(config, file, indent=2)
    text = json.dumps(header).encode()
    with open(os.path.join(directory, "model.safetensors"), "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + end)


main()
