#!/bin/sh
# SPDX-License-Identifier: MIT
# How much text a plan needs: KL divergence to the original in bits, without and with a plan, on
# text held out and on the tokens calibrated on, for several numbers of these. The settings are in
# runs.sh.
#
# usage: text.sh WATERSIC-LLM MODEL CALIBRATION EVALUATION RATE TOKENS...
set -eu

least=6
# shellcheck source=bench/runs.sh
. "$(dirname "$0")/runs.sh"
rate=$1
shift

# divergence FILE TEXT TOKENS
divergence()
{
    EVAL_TOKENS=$3 evaluated "$1" "$2" | value kl_bits
}

held_out=${EVAL_TOKENS:-32768}

echo '| calibration tokens | none | waterfill | none, calibration text | waterfill, calibration text |'
echo '|---|---|---|---|---|'
for MAX_TOKENS in "$@"; do
    equal=$(archive "$rate" residual)
    planned=$(archive "$rate" plan)
    set -- --rescalers --drift --residual
    quantized "$rate" "$equal" "$@"
    quantized "$rate" "$planned" "$@" --plan waterfill
    printf '| %s | %.4f | %.4f | %.4f | %.4f |\n' "$MAX_TOKENS" \
        "$(divergence "$equal" "$evaluation" "$held_out")" \
        "$(divergence "$planned" "$evaluation" "$held_out")" \
        "$(divergence "$equal" "$calibration" "$MAX_TOKENS")" \
        "$(divergence "$planned" "$calibration" "$MAX_TOKENS")"
done
