#!/bin/sh
# SPDX-License-Identifier: MIT
# What gradients at the outputs gain for layers of each kind: only these are quantized, without and
# with the gradients, and the divergence is shown beside the predicted one. Queries and keys go
# through the rotation by position and through softmax. The settings are in runs.sh.
#
# usage: kinds.sh WATERSIC-LLM MODEL CALIBRATION EVALUATION RATE...
set -eu

least=5
# shellcheck source=bench/runs.sh
. "$(dirname "$0")/runs.sh"

all='q_proj k_proj v_proj o_proj gate_proj up_proj down_proj'

# others KIND...: patterns of all layers of other kinds
others()
{
    patterns=
    for kind in $all; do
        case " $* " in *" $kind "*) ;; *) patterns="$patterns,*$kind*" ;; esac
    done
    echo "${patterns#,}"
}

# divergence RATE MODE KIND...: measured and predicted
divergence()
{
    rate=$1
    mode=$2
    shift 2
    file=$(archive "$rate" "$mode-$(echo "$*" | tr ' ' '-')")
    quantized "$rate" "$file" --rescalers --drift --residual --plan waterfill --outputs "$mode" \
        --skip "$(others "$@")"
    report=$(evaluated "$file" "$evaluation")
    echo "$report" | value kl_bits
    echo "$report" | value predicted_kl_bits
}

echo '| rate | layers | KL, bits: none | full | change | predicted, full | over measured |'
echo '|---|---|---|---|---|---|---|'
for rate in "$@"; do
    for kinds in q_proj k_proj v_proj o_proj 'gate_proj up_proj' down_proj; do
        # shellcheck disable=SC2086 # several kinds
        { divergence "$rate" none $kinds && divergence "$rate" full $kinds; } |
            awk -v rate="$rate" -v kinds="$kinds" '{ figure[NR] = $1 } END {
                printf "| %s | %s | %.5f | %.5f | %+.0f %% | %.5f | %.2f |\n", rate, kinds,
                    figure[1], figure[3], 100 * (figure[3] / figure[1] - 1), figure[4],
                    figure[4] / figure[3] }'
    done
done
