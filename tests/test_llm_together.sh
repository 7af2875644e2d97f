#!/bin/sh
# SPDX-License-Identifier: MIT
# Options of watersic-llm that were made apart, together: skipped layers, zero rows, a quantized
# embedding, dry runs, going on, and fine-tuning.
# Usage: test_llm_together.sh WATERSIC_LLM EXAMPLES_DATA
set -u
# shellcheck source=tests/program.sh
. "$(dirname "$0")/program.sh"

data=$(absolute "$2")
begin "$1"
model=$data/tinylm
calibration=$data/calibration.txt

# quantize CODE NAME OPTION... : a short run
quantize()
{
    code=$1
    name=$2
    shift 2
    run "$code" "$name" quantize --model "$model" --tokens "$calibration" --max-tokens 128 \
        --window 64 --preset fast --rate 2 --json "$@"
}

# --- what is left out, and what is added, is foretold ---------------------------------------

# The four blocks have a down projection of 192 x 512 each.
set -- --plan none --skip '*.down_proj.weight' --embedding-rate 3
quantize 0 "a dry run with skipped layers and the embedding" "$@" -o a.wsic --dry-run
holds "$(value out layers) == 28 - 4 + 1" "it counts the layers of the archive"
holds "$(value out skipped_layers) == 4" "it counts the skipped layers"
weights=$(value out weights)
holds "$weights == 1622016 - 4 * 192 * 512 + 256 * 192" "it counts their weights"
bytes=$(value out bytes)
holds "$(value out passes) == 20" "the embedding, which is the head too, takes a pass"
quantize 0 "the run" "$@" -o a.wsic
holds "$(value out weights) == $weights" "it has as many weights as foretold"
holds "($(value out bytes) / $bytes - 1) ^ 2 < 0.01 ^ 2" "and about as many bytes"

"$program" quantize --model "$model" --tokens "$calibration" --rate 2 --skip '*.0.*' \
    --embedding-rate 3 --dry-run -o none.wsic >out 2>err
says out "21 layers (7 are skipped)" "a dry run tells what is skipped"
says out "embedding" "a dry run has a row for the embedding"
says out "for the plan" "a dry run tells that a plan goes over the text beforehand"

# --- going on with an embedding and one budget ----------------------------------------------

set -- --plan equal --embedding-rate 4
quantize 0 "an embedding beside a plan" "$@" -o whole.wsic
(
    ulimit -f 400
    quantize 1 "the same on a full disk" "$@" -o stopped.wsic
)
count=$((count + 1))
quantize 0 "gone on with" "$@" -o stopped.wsic
[ "$(value out taken_over)" -gt 5 ]
report $? "with what was there"
cmp -s whole.wsic stopped.wsic
report $? "the archive is that of a run without a stop"

# --- fine-tuning what has exclusions --------------------------------------------------------

# finetune NAME ARCHIVE TRAINABLE : train it; so many scales are in it
finetune()
{
    run 0 "fine-tuning with $1" finetune --model "$model" --archive "$2" --tokens "$calibration" \
        --max-tokens 512 -o tuned.wsic --json
    holds "$(value out scales) == $3" "all scales of its layers take part, with $1"
    before=$(sed -n 's/^ *"kl_bits": \(.*\),$/\1/p' out | head -n 1)
    after=$(sed -n 's/^ *"kl_bits": \(.*\),$/\1/p' out | tail -n 1)
    holds "$after < $before" "the divergence falls, with $1"
    run 0 "eval of it, with $1" eval --model "$model" --archive tuned.wsic --tokens "$calibration" \
        --max-tokens 512 --json
    holds "($(value out kl_bits) - $after) ^ 2 < 1e-12" "the archive predicts as told, with $1"
}
# Rows and columns of a block: 13824 / 4, of which 704 are those of down.
finetune "skipped layers" a.wsic "4 * (3456 - 704)"
quantize 0 "zero rows" --plan none --zero-rows '*.1.mlp.up_proj.weight:1,2' -o zero.wsic
finetune "zero rows" zero.wsic 13824

rm -f ./*.wsic
no_rest "options together"
echo "1..$count"
