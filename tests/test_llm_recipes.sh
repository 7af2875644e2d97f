#!/bin/sh
# SPDX-License-Identifier: MIT
# The program watersic-llm: recipes, plans, layers that are left out, and the comparison of methods,
# on the small model of the repository.
# Usage: test_llm_recipes.sh WATERSIC_LLM EXAMPLES_DATA
set -u
# shellcheck source=tests/program.sh
. "$(dirname "$0")/program.sh"

data=$(absolute "$2")
begin "$1"
model=$data/tinylm
calibration=$data/calibration.txt
evaluation=$data/evaluation.txt

# --- ingredients of recipes ----------------------------------------------------------

# Each must lower the divergence: at 2 bits their part is large.
# divergence NAME OPTION...: sets kl, drift and residual
divergence()
{
    name=$1
    shift
    run 0 "quantize $name" quantize --model "$model" --tokens "$calibration" --max-tokens 4096 \
        --rate 2 --preset fast -o recipe.wsic --json "$@"
    drift=$(value out drift)
    residual=$(value out residual)
    run 0 "eval of $name" eval --model "$model" --archive recipe.wsic --tokens "$evaluation" \
        --max-tokens 2048 --json
    kl=$(value out kl_bits)
    rm recipe.wsic
}
divergence "the plain recipe" --rescalers --recipe plain
plain=$kl
[ "$drift $residual" = "false false" ]
report $? "the plain recipe has no ingredients" "$drift $residual"
divergence "plain with drift" --drift --recipe plain --rescalers
[ "$drift $residual" = "true false" ]
report $? "a switch counts against the recipe" "$drift $residual"
holds "$kl < $plain" "drift lowers the divergence"
with_drift=$kl
divergence "plain with drift and residuals" --drift --residual --recipe plain --rescalers
[ "$drift $residual" = "true true" ]
report $? "switches add up" "$drift $residual"
holds "$kl < $with_drift" "residuals lower it further"

# mixed FILE OPTION... : quantize with parts of tokens and inputs that are mixed
mixed()
{
    file=$1
    shift
    run 0 "quantize to $file" quantize --model "$model" --tokens "$calibration" --max-tokens 1024 \
        --rate 2 --preset fast --plan none -o "$file" "$@"
}
mixed unmixed
mixed attention.0 --attention 0
mixed attention.0.5 --attention 0.5
mixed drift.0.5 --drift-mix 0.5
cmp -s unmixed attention.0
report $? "attention 0 changes nothing"
! cmp -s unmixed attention.0.5
report $? "attention changes the layers"
! cmp -s unmixed drift.0.5
report $? "a mix of drift changes the layers"
rm unmixed attention.0 attention.0.5 drift.0.5

# --- plans ---------------------------------------------------------------------------

# planned FILE OPTION... : quantize, and expect what the rate says in bytes, for all layers together
planned()
{
    file=$1
    shift
    run 0 "quantize to $file" quantize --model "$model" --tokens "$calibration" --max-tokens 1024 \
        --rate 2 --preset fast --run kept -o "$file" --json "$@"
    holds "(8 * $(wc -c <"$file") / 1622016 / 2 - 1) ^ 2 < 0.001 ^ 2" \
        "$file meets the budget to 0.1 %"
}
planned equal.plan --plan equal --outputs none
! grep -q '"sensitivity": [0-9]' out
report $? "equal shares need no sensitivities"
planned default.plan
says out '"sensitivity": ' "waterfilling, the default, reports sensitivities"
for ingredient in drift residual rescalers; do
    [ "$(value out $ingredient)" = true ]
    report $? "$ingredient is part of the default"
done
! ls kept/outputs-*/inputs.* kept/outputs-*/stream.* >/dev/null 2>&1
report $? "states and gradients of the text are not kept"
[ "$(find kept -name 'layer.*' | wc -l)" = 28 ]
report $? "what outputs are worth is kept"
run 0 "eval of a plan" eval --model "$model" --archive default.plan --tokens "$evaluation" \
    --max-tokens 4096 --json
# Of so little text the plan knows nothing but that: what is held out diverges more.
holds "$(value out predicted_kl_bits) > 0 && $(value out predicted_kl_bits) < $(value out kl_bits)" \
    "the divergence was predicted"
planned again.plan --recipe default --plan waterfill
cmp -s default.plan again.plan
report $? "the default by its name, with kept outputs, gives the same bytes"
planned drafts.plan --sensitivity drafts --outputs none
[ -s kept/sensitivities.json ]
report $? "sensitivities that were measured are kept"
planned diagonal.plan --outputs diagonal --outputs-rows 400 --outputs-tokens 512
! cmp -s default.plan diagonal.plan
report $? "outputs that count by the diagonal change the layers"
rm ./*.plan

run 0 "plan" plan --model "$model" --tokens "$calibration" --max-tokens 1024 --rates 3,1.5 \
    --run kept --plot curve.svg
says out "predicted KL" "plan has a table of rates"
says out "model.layers.3.mlp.down_proj.weight" "plan tells what every layer gets"
says curve.svg "</svg>" "plan draws a curve"
run 0 "plan --json" plan --model "$model" --tokens "$calibration" --max-tokens 1024 --rates 1.5,3 \
    --run kept --skip '*.down_proj.weight' --json
has_keys "plan" tokens window seconds rate bytes predicted_kl_bits name
low=$(value out predicted_kl_bits)
high=$(sed -n 's/^      "predicted_kl_bits": \([0-9.e-]*\),*$/\1/p' out | tail -n 1)
holds "$low > 4 * $high && $high > 0" "plan predicts less divergence at a higher rate"
holds "$(value out bytes) == int(1.5 * (1622016 - 4 * 192 * 512) / 8)" "plan leaves layers out"
refused 2 "'none' leaves nothing to plan" "a plan of nothing" plan --model "$model" \
    --tokens "$calibration" --rates 2 --plan none
refused 1 "none/curve.svg: cannot be written: No such file" "a curve that cannot be written" plan --model "$model" \
    --tokens "$calibration" --max-tokens 1024 --rates 2 --run kept --plan equal \
    --plot none/curve.svg
refused 2 "'all' is neither 'none' nor 'diagonal' nor 'full'" "outputs of no kind" plan \
    --model "$model" --tokens "$calibration" --rates 2 --outputs all
refused 2 "'guess' is neither 'outputs' nor 'drafts'" "sensitivities from nowhere" plan \
    --model "$model" --tokens "$calibration" --rates 2 --sensitivity guess
rm curve.svg

run 0 "quantize with a mixture that is searched" quantize --model "$model" \
    --tokens "$calibration" --max-tokens 512 --rate 2 --preset fast --plan none -o mixed --mixing \
    --mixing-steps 1 --json
has_keys "a search of mixtures" drift_mix error fixed_error drafts
rm mixed

# --- layers that stay, rows that go ----------------------------------------------------

run 0 "quantize but for some layers" quantize --model "$model" --tokens "$calibration" \
    --max-tokens 1024 --rate 2 --preset fast -o some --skip '*.down_proj.weight' --json \
    --plan equal --zero-rows 'model.layers.1.mlp.up_proj.weight:3'
holds "$(value out weights) == 1622016 - 4 * 192 * 512" "skipped layers do not count"
holds "(8 * $(wc -c <some) / $(value out weights) / 2 - 1) ^ 2 < 0.001 ^ 2" \
    "nor does the budget charge for them"
run 0 "eval with skipped layers" eval --model "$model" --archive some --tokens "$evaluation" \
    --max-tokens 1024 --json
holds "$(value out kl_bits) < 0.5" "skipped layers are those of the checkpoint"
refused 1 "--skip: 'norm' names no linear layer" "a layer that is not there" quantize \
    --model "$model" --tokens "$calibration" --rate 2 -o x.wsic --skip norm
rm some

# --- all methods -----------------------------------------------------------------------

run 0 "compare" compare --model "$model" --tokens "$calibration" --max-tokens 1024 \
    --eval "$evaluation" --eval-tokens 1024 --rates 3 --preset fast --plan none --plot curve.svg
for method in original RTN "GPTQ, entropy-coded" "GPTQ, rotated, coded" WaterSIC; do
    says out "$method" "compare has a line for $method"
done
says out "never fewer bytes" "compare says how bytes are made equal"
# Two plots: a curve for each of the five methods in both, and the original in that of perplexity.
[ "$(grep -c '<path class="line"' curve.svg)" = 22 ] && [ "$(grep -c '<svg ' curve.svg)" = 3 ]
report $? "compare draws a curve for every method"
says curve.svg ">GPTQ, rotated, coded</text>" "compare names its curves"
rm curve.svg
refused 1 "none/curve.svg: cannot be written: No such file" "curves that cannot be written" compare \
    --model "$model" --tokens "$calibration" --eval "$evaluation" --rates 2 --plot none/curve.svg
refused 1 "is not written, as it is" "curves onto the text" compare --model "$model" \
    --tokens "$calibration" --eval "$evaluation" --rates 2 --plot "$evaluation"
run 0 "compare --json" compare --model "$model" --tokens "$calibration" --max-tokens 1024 \
    --eval "$evaluation" --eval-tokens 1024 --rates 2 --preset fast --run kept --json
has_keys "compare" calibration_tokens tokens window method rate cross_entropy kl_bits
# Bits per weight in the order original, RTN, GPTQ, GPTQ entropy-coded and rotated, WaterSIC.
bits=$(sed -n 's/^ *"bits_per_weight": \([0-9.]*\),*$/\1/p' out | tr '\n' ' ')
# shellcheck disable=SC2086 # six words
set -- $bits
[ $# = 6 ]
report $? "compare has a row for every method" "$bits"
holds "$2 >= $6 && $3 >= $6" "fixed lengths never have fewer bytes than WaterSIC"
holds "($4 / $6 - 1) ^ 2 < 0.02 ^ 2" "entropy-coded GPTQ has as many bytes as WaterSIC"
holds "($5 / $6 - 1) ^ 2 < 0.02 ^ 2" "and so has rotated GPTQ"

run 0 "compare of presets" compare --model "$model" --tokens "$calibration" --max-tokens 1024 \
    --eval "$evaluation" --eval-tokens 1024 --rates 2 --plan none --presets fast,paper --json
says out '"WaterSIC, fast"' "compare names the first preset"
says out '"WaterSIC, paper"' "compare names the second preset"
bits=$(sed -n 's/^ *"bits_per_weight": \([0-9.]*\),*$/\1/p' out | tr '\n' ' ')
# shellcheck disable=SC2086 # seven words
set -- $bits
[ $# = 7 ]
report $? "compare has a row for every preset" "$bits"
holds "$2 >= $6 && $2 >= $7 && $3 >= $6 && $3 >= $7" \
    "fixed lengths never have fewer bytes than any preset"
distinct=$(sed -n 's/^ *"kl_bits": \([-0-9.e]*\),*$/\1/p' out | tail -n 2 | sort -u | wc -l)
[ "$distinct" = 2 ]
report $? "presets differ"

no_rest "all recipes"
echo "1..$count"
