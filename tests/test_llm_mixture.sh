#!/bin/sh
# SPDX-License-Identifier: MIT
# watersic-llm on a mixture of experts, from quantizing to generating.
# Usage: test_llm_mixture.sh WATERSIC_LLM EXAMPLES_DATA
set -u
# shellcheck source=tests/program.sh
. "$(dirname "$0")/program.sh"

tests=$(absolute "$(dirname "$0")")
data=$(absolute "$2")
begin "$1"
calibration=$data/calibration.txt
evaluation=$data/evaluation.txt

# --- a mixture: two blocks, of which the second has four experts -----------------------

sh "${tests:?}/small_mixture.sh" "$data" model || exit 1
experts=12
layers=$((2 * 4 + 3 + experts))
weights=$((2 * (2 * 64 * 64 + 2 * 32 * 64) + 3 * 96 * 64 + experts * 48 * 64))

# sum FILE KEY PATTERN: of the key's numbers in layers with such names
sum()
{
    awk -v key="\"$2\":" -v pattern="$3" '$1 == "\"name\":" { counts = $2 ~ pattern }
        $1 == key && counts { sum += $2; counts = 0 } END { print sum + 0 }' "$1"
}

# --- quantizing: one budget for all experts -------------------------------------------------------

run 0 "quantize" quantize --model model --preset fast --rate 3 --outputs none \
    --tokens "$calibration" --max-tokens 4096 --json -o x.wsic
cp out quantized
holds "$(grep -c '"name":' quantized) == $layers" "every layer is there"
holds "$(grep -c '"name":.*experts\.[0-3]\.' quantized) == $experts" "and those of every expert"
holds "$(value quantized weights) == $weights" "all their weights are counted"
holds "$(value quantized bytes) == $(wc -c <x.wsic)" "all their bytes are counted"
holds "$(wc -c <x.wsic) <= 1.01 * 3 * $weights / 8" "the archive keeps to the rate"
holds "$(wc -c <x.wsic) > 0.97 * 3 * $weights / 8" "and uses it"
holds "$(sum quantized bytes experts) > 0.05 * $(wc -c <x.wsic)" "experts have a part of it"
! grep -q 'no token of the text' err
report $? "tokens went to every expert"

printf 'aaaaaaaa' >few
run 0 "few tokens" quantize --model model --preset fast --rate 3 --recipe plain --tokens few \
    -o few.wsic
says err "model.layers.1: no token of the text goes to 2 of its 4 experts" \
    "experts that no token reached are told"

refused 1 "'drafts' does not work on a model with experts: 'outputs' does" \
    "sensitivities of drafts" quantize --model model --preset fast --rate 3 \
    --tokens "$calibration" --max-tokens 4096 --sensitivity drafts -o drafts.wsic
[ ! -e drafts.wsic ]
report $? "nothing is written of them"

# --- the archive, the directory and the restored checkpoint are the same model --------------------

# evaluate MODEL OPTION... : the cross entropy goes to MODEL.entropy
evaluate()
{
    model=$1
    shift
    run 0 "evaluation of the $model" eval --tokens "$evaluation" --max-tokens 1024 --json "$@"
    value out cross_entropy >"$model.entropy"
}

evaluate original --model model
evaluate archive --model model --archive x.wsic
holds "$(value out quantized_layers) == $layers" "every layer comes from the archive"
holds "$(value out quantized_weights) == $weights" "with all weights"
holds "$(value out kl_bits) > 0 && $(value out kl_bits) < 0.01" "it predicts as the original"
run 0 "pack" pack --model model --archive x.wsic -o packed
evaluate directory --model packed
run 0 "restore" restore packed --type f32 -o restored
evaluate restored --model restored
entropy=$(cat archive.entropy)
holds "$entropy != $(cat original.entropy)" "the archive is not the original"
holds "($(cat directory.entropy) - $entropy) ^ 2 < 1e-10" "the directory is the archive"
holds "($(cat restored.entropy) - $entropy) ^ 2 < 1e-10" "the restored checkpoint is the archive"

# --- a plan, and what methods lose ----------------------------------------------------------------

run 0 "plan" plan --model model --preset fast --rates 3 --outputs none --tokens "$calibration" \
    --max-tokens 4096 --json
holds "$(grep -c '"name":.*experts' out) == $experts" "the plan has every expert"
holds "($(value out bytes) - 3 * $weights / 8) ^ 2 <= 1" "it spends the bytes of all weights"
holds "$(value out predicted_kl_bits) > 0 && $(value out predicted_kl_bits) < 0.01" \
    "it predicts what little is lost"

run 0 "compare" compare --model model --preset fast --rates 3 --recipe plain --json \
    --tokens "$calibration" --max-tokens 4096 --eval "$evaluation" --eval-tokens 512
holds "$(grep -c '"method":' out) == 6" "compare: every method is there"
awk '$1 == "\"kl_bits\":" { kl = $2 + 0 } /"method": "(RTN|GPTQ)"/ && kl > most { most = kl }
    /"method": "WaterSIC"/ { ours = kl } END { exit !(ours > 0 && ours < most) }' out
report $? "compare: less is lost than by rounding"

# --- text ----------------------------------------------------------------------------------------

# generate MODEL OPTION... : what it says goes to MODEL.text
generate()
{
    model=$1
    shift
    run 0 "text of the $model" generate --prompt "The " --max-new-tokens 6 --json "$@"
    holds "$(value out tokens) == 6" "text of the $model: six tokens"
    value out text >"$model.text"
}

generate archive --model model --archive x.wsic
generate directory --model packed
generate restored --model restored
cmp -s archive.text directory.text && cmp -s archive.text restored.text
report $? "all three say the same"

echo "1..$count"
