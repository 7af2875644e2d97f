#!/bin/sh
# SPDX-License-Identifier: MIT
# What each ingredient of a recipe is worth on a checkpoint: a table of bits per weight from the
# bytes on disk, perplexity, KL divergence to the original and, where there is a plan, the
# divergence that it predicted. One ingredient is added after the other up to residuals; what
# follows is compared with these. Outputs that count by what they are worth come on top of the plan,
# and fine-tuning on top of both. ATTENTION (0.1) is the part of the weighted tokens; RECIPES names
# the rows that are wanted (all); the other settings are in runs.sh.
#
# usage: ablation.sh WATERSIC-LLM MODEL CALIBRATION EVALUATION RATE...
set -eu

least=5
# shellcheck source=bench/runs.sh
. "$(dirname "$0")/runs.sh"

# row RATE NAME FILE
row()
{
    report=$(evaluated "$3" "$evaluation")
    predicted=$(echo "$report" | value predicted_kl_bits)
    printf '| %s | %s | %.4f | %.4f | %.5f | %s |\n' "$1" "$2" \
        "$(echo "$report" | value bits_per_weight)" "$(echo "$report" | value perplexity)" \
        "$(echo "$report" | value kl_bits)" "${predicted:+$(printf %.5f "$predicted")}"
}

recipes=${RECIPES:-plain rescalers drift residual attention mixing drafts plan diagonal sides tuned}

# wanted RECIPE
wanted()
{
    case " $recipes " in *" $1 "*) return 0 ;; *) return 1 ;; esac
}

# with RATE NAME FILE OPTION...: a row. The name of the file begins with that of the recipe.
with()
{
    wanted "${3%%-*}" || return 0
    rate=$1
    name=$2
    file=$(archive "$rate" "$3")
    shift 3
    quantized "$rate" "$file" "$@"
    row "$rate" "$name" "$file"
}

echo '| rate | recipe | bits per weight | perplexity | KL, bits | predicted |'
echo '|---|---|---|---|---|---|'
for rate in "$@"; do
    with "$rate" 'plain' plain
    set -- --rescalers
    with "$rate" '+ rescalers' rescalers "$@"
    set -- "$@" --drift
    with "$rate" '+ drift' drift "$@"
    set -- "$@" --residual
    with "$rate" '+ residual' residual "$@"
    part=${ATTENTION:-0.1}
    with "$rate" 'residual, attention' "attention-$part" "$@" --attention "$part"
    with "$rate" 'residual, mixing' "mixing-$part" "$@" --attention "$part" --mixing
    with "$rate" 'residual, drafts' drafts "$@" --plan waterfill --sensitivity drafts
    with "$rate" 'residual, waterfill' plan "$@" --plan waterfill
    with "$rate" 'residual, waterfill, diagonal' diagonal "$@" --plan waterfill --outputs diagonal
    with "$rate" 'residual, waterfill, both sides' sides "$@" --plan waterfill --outputs full
    wanted tuned || continue
    tuned=$(archive "$rate" tuned)
    [ -f "$tuned" ] ||
        "$program" finetune --model "$model" --archive "$(archive "$rate" sides)" \
            --tokens "$calibration" --max-tokens "${MAX_TOKENS:-65536}" -o "$tuned" >"$tuned.txt"
    row "$rate" 'residual, waterfill, both sides, fine-tuning' "$tuned"
done
