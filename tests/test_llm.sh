#!/bin/sh
# SPDX-License-Identifier: MIT
# The program watersic-llm: commands, their results, exit codes and messages, on the small model of
# the repository. test_llm_recipes.sh has what recipes do, and the comparison of methods.
# Usage: test_llm.sh WATERSIC_LLM EXAMPLES_DATA
set -u
# shellcheck source=tests/program.sh
. "$(dirname "$0")/program.sh"

data=$(absolute "$2")
begin "$1"
model=$data/tinylm
calibration=$data/calibration.txt
evaluation=$data/evaluation.txt

# --- the command line ----------------------------------------------------------

run 0 "--version" --version
says out "watersic-llm " "--version prints the name"
run 0 "--help" --help
for command in quantize eval compare finetune; do
    run 0 "--help names $command" --help
    says out "  $command " "--help names $command"
    run 0 "$command --help" "$command" --help
    says out "Usage: watersic-llm $command" "$command --help prints the usage"
    refused 2 "--no-such-option is no option" "$command --no-such-option" \
        "$command" --no-such-option
    refused 2 "--model is missing" "$command without a model" "$command"
    refused 2 "--window: 'x'" "$command with a bad window" "$command" --window x
    refused 2 "--window: in windows of 1 token" "$command with windows of 1 token" "$command" --window 1
    refused 2 "'more' is no option" "$command with an argument" "$command" more
done
refused 2 "no command is given" "without a command"
refused 2 "'frobnicate' is no command" "an unknown command" frobnicate
refused 2 "--rate is no option of this command" "a rate for eval" eval --rate 2
refused 2 "'0' is no rate" "rate 0" quantize --rate 0
refused 2 "'2,3' is not one rate" "two rates for quantize" quantize --rate 2,3
refused 2 "'x' is no rate" "a rate that is no number" compare --rates 2,x
refused 2 "more than 1 presets" "two presets for quantize" quantize --preset paper,fast
refused 2 "--preset and --presets exclude each other" "one preset beside several" compare \
    --model m --tokens t --eval e --rates 2 --presets fast,paper --preset fast
refused 2 "'' is no name of a preset" "an empty name of a preset" compare --presets paper,
refused 2 "--recipe: 'best' is neither" "an unknown recipe" quantize --recipe best
refused 2 "--attention: '1.5' is no number from 0 to 1" "a part above 1" quantize --attention 1.5
refused 2 "--plan: 'best' is neither" "an unknown plan" quantize --plan best
refused 2 "--mixing-steps: '0' is no" "no steps of the search" quantize --mixing-steps 0
refused 2 "--drift is no option of this command" "drift for eval" eval --drift
for target in rate=3 step=0.1 distortion=1 container_bytes=5; do
    refused 2 "--set: '$target': " "$target as a setting of quantize" quantize --rate 2 --set "$target"
    refused 2 "--set: '$target': " "$target as a setting of compare" compare --rates 2 --set "$target"
done
for option in model tokens output run skip zero-rows; do
    refused 2 "--$option: the value is empty" "an empty --$option" quantize "--$option" ''
done
refused 2 "--output: the name is not UTF-8" "a name that JSON cannot tell" quantize --model x --tokens x \
    --rate 2 --json -o "$(printf 'n\351')"
refused 2 "--output: the value is empty" "an empty -o" quantize -o ''
refused 2 "needs a value" "an option without its value" eval --model

# --- a model through an archive -------------------------------------------------

run 0 "eval of the checkpoint" eval --model "$model" --tokens "$evaluation" --max-tokens 2048 --json
has_keys "eval" cross_entropy perplexity kl_bits bits_per_weight tokens
original=$(value out cross_entropy)
holds "$(value out tokens) == 2048" "eval takes as many tokens as it may"
holds "$(value out kl_bits) == 0" "the checkpoint does not differ from itself"
holds "$(value out bits_per_weight) == 16" "the checkpoint has 16 bits"
holds "(exp($original) / $(value out perplexity) - 1) ^ 2 < 1e-12" "perplexity is exp(cross entropy)"

run 0 "quantize at 4 bits" quantize --model "$model" --tokens "$calibration" --max-tokens 1024 \
    --rate 4 -o four.wsic --json
has_keys "quantize" rate_target bytes bits_per_weight weights tokens seconds peak_bytes rate \
    relative_distortion
holds "$(value out bytes) == $(wc -c <four.wsic)" "bytes are those of the file"
holds "($(value out bits_per_weight) / 4 - 1) ^ 2 < 0.01 ^ 2" "the rate is met in bytes"
stages=$(sed -n '/"stages": {/,/}/s/^ *"\([a-z]*\)": \([0-9.e-]*\),*$/\1 \2/p' out)
names=$(echo "$stages" | cut -d ' ' -f 1 | tr '\n' ' ')
[ "$names" = "other reading forward statistics plan encoding coding writing evaluation " ]
report $? "every stage is there" "$names"
holds "$(echo "$stages" | awk '{ sum += $2 } END { printf "%.9f", sum }') <= $(value out seconds) + 1e-6" \
    "the seconds of all stages are no more than those of the run"
idle=$(echo "$stages" | awk '$2 <= 0 && $1 != "evaluation" { print $1 }')
[ -z "$idle" ]
report $? "every stage of a quantization takes time" "$idle"
run 0 "eval of the archive" eval --model "$model" --archive four.wsic --tokens "$evaluation" \
    --max-tokens 2048 --json
has_keys "eval of an archive" cross_entropy perplexity kl_bits bits_per_weight tokens
four=$(value out kl_bits)
holds "$four > 0 && $four < 0.1" "4 bits are near the original"
holds "($(value out cross_entropy) - $original) ^ 2 < 0.1 ^ 2" "4 bits predict as well"
holds "($(value out bits_per_weight) - 8 * $(wc -c <four.wsic) / 1622016) ^ 2 < 1e-12" \
    "bits per weight count the whole file"
stored=$(value out untouched_bytes)
# 256 rows of the embedding and 9 norms.
holds "$stored == 2 * (256 + 9) * 192" "embedding and norms are untouched"
holds "($(value out whole_bits_per_weight) - 8 * ($(wc -c <four.wsic) + $stored) / 1672896) ^ 2 < 1e-12" \
    "bits in all count the untouched tensors"
run 0 "eval --layers" eval --model "$model" --archive four.wsic --tokens "$evaluation" \
    --max-tokens 512 --layers
says out "model.layers.3.mlp.down_proj.weight" "eval --layers lists the layers"
run 0 "eval --layers --json" eval --model "$model" --archive four.wsic --tokens "$evaluation" \
    --max-tokens 512 --layers --json
has_keys "eval --layers" output_error input_error relative_distortion rate
refused 2 "--layers needs --archive" "layers without an archive" \
    eval --model "$model" --tokens "$evaluation" --layers

# --- what is said beforehand ----------------------------------------------------

run 0 "a dry run" quantize --model "$model" --tokens "$calibration" --max-tokens 1024 --rate 4 \
    -o none.wsic --dry-run --json
has_keys "a dry run" architecture layers weights tokens windows streams passes attention_passes \
    blocks states passing statistics encoding outputs run collecting planning total \
    files outputs_tokens bytes
[ ! -e none.wsic ]
report $? "a dry run writes no archive"
holds "$(value out windows) == 4 && $(value out layers) == 28" "a dry run counts windows and layers"
holds "$(value out passes) == 19 && $(value out attention_passes) == 8" "a dry run counts passes"
holds "($(value out bytes) / $(wc -c <four.wsic) - 1) ^ 2 < 0.01 ^ 2" \
    "a dry run tells the size of the archive"
holds "$(value out planning) > 0 && $(value out total) >= $(value out planning)" \
    "a dry run counts the memory of planning"
holds "$(value out collecting) > 0 && $(value out total) >= $(value out collecting)" \
    "a dry run counts the memory of the outputs"
collecting=$(value out collecting)
run 0 "a dry run with files" quantize --model "$model" --tokens "$calibration" --max-tokens 1024 \
    --rate 4 -o none.wsic --dry-run --run none --json
holds "$(value out collecting) < $collecting && $(value out files) > 0" \
    "a run directory takes the place of memory"
[ ! -e none ]
report $? "a dry run makes no directory"
says err "1024 calibration tokens are few" "little text for a plan is warned of"
states=$(value out states)
run 0 "a dry run with low memory" quantize --model "$model" --tokens "$calibration" \
    --max-tokens 1024 --rate 4 -o none.wsic --dry-run --low-memory --json
holds "$(value out states) * 3 < $states" "low memory takes less than a third of the states"
holds "$(value out attention_passes) == 16" "low memory takes attention twice"
refused 1 "none/none.wsic: cannot be written: No such file or directory" "a dry run of what cannot be begun" quantize \
    --model "$model" --tokens "$calibration" --rate 4 -o none/none.wsic --dry-run
run 0 "a dry run as text" quantize --model "$model" --tokens "$calibration" --rate 4 \
    -o none.wsic --dry-run
says out "65536 tokens in 256 windows of 256" "a dry run names the text"
[ ! -s err ]
report $? "enough text is not warned of"
says out "passes over the text: 19" "a dry run tells the passes"
says out "states of all tokens" "a dry run tells the memory"

run 0 "quantize with low memory" quantize --model "$model" --tokens "$calibration" \
    --max-tokens 1024 --rate 4 -o same.wsic --low-memory --progress
cmp -s four.wsic same.wsic
report $? "low memory does not change the archive"
holds "$(grep -c ' %  quantizing model.layers.*%/min  .*:.* left$' err) == 28" \
    "--progress writes a line for every layer"
rm same.wsic

run 0 "quantize at 2 bits" quantize --model "$model" --tokens "$calibration" --max-tokens 1024 \
    --rate 2 --set rescale=none --preset paper --plan none --output two.wsic
says out "model.layers.3.mlp.down_proj.weight" "quantize lists the layers"
says out "two.wsic: $(wc -c <two.wsic) bytes" "quantize tells the size"
run 0 "eval at 2 bits" eval --model "$model" --archive two.wsic --tokens "$evaluation" \
    --max-tokens 2048 --json
holds "$(value out kl_bits) > 2 * $four" "2 bits are farther from the original"
run 0 "eval for people" eval --model "$model" --archive two.wsic --tokens "$evaluation" \
    --max-tokens 512 --window 64
says out "KL to original" "eval prints the divergence"

# The embedding, which is the head too.
# embedding STATISTICS: sets kl
embedding()
{
    run 0 "quantize with the embedding, $1" quantize --model "$model" --tokens "$calibration" \
        --max-tokens 1024 --rate 4 --preset fast --plan none --embedding-rate 3 --embedding-statistics "$1" \
        -o embedding.wsic --json
    says out "model.embed_tokens.weight" "quantize lists the embedding, $1"
    holds "$(value out weights) == 1622016 + 256 * 192" "its weights count, $1"
    run 0 "eval with the embedding, $1" eval --model "$model" --archive embedding.wsic \
        --tokens "$evaluation" --max-tokens 2048 --json
    kl=$(value out kl_bits)
    holds "$(value out untouched_bytes) == 2 * 9 * 192" "only norms are untouched, $1"
    holds "($(value out whole_bits_per_weight) - 8 * ($(wc -c <embedding.wsic) + 3456) / 1672896) ^ 2 < 1e-12" \
        "bits in all count norms and the archive, $1"
    rm embedding.wsic
}
embedding identity
alike=$kl
embedding frequency
holds "$kl < 0.8 * $alike" "rows that matter more lose less"
refused 1 "--head-rate: the model has no head of its own" "a rate for a head that is the embedding" \
    quantize --model "$model" --tokens "$calibration" --rate 2 -o x.wsic --head-rate 4
refused 2 "--embedding-statistics: 'x' is neither" "unknown statistics" \
    quantize --embedding-statistics x
refused 2 "--head-rate is no option of this command" "a head for eval" eval --head-rate 4

cp two.wsic again.wsic
run 0 "quantize over an older archive" quantize --model "$model" --tokens "$calibration" \
    --max-tokens 1024 --rate 2 --set rescale=none --preset paper --plan none -o again.wsic
cmp -s two.wsic again.wsic
report $? "the same run gives the same bytes"

# --- scales that are tuned --------------------------------------------------------

run 0 "finetune" finetune --model "$model" --archive two.wsic --tokens "$calibration" \
    --max-tokens 2048 --window 128 --epochs 2 --batch 2 -o tuned.wsic --json
[ ! -s err ]
report $? "nothing is warned of"
has_keys "finetune" scales bytes bits_per_weight kl_bits learning_rate seconds
holds "$(value out bytes) == $(wc -c <tuned.wsic)" "bytes are those of the file"
holds "($(wc -c <tuned.wsic) / $(wc -c <two.wsic) - 1) ^ 2 < 0.02 ^ 2" "the size stays nearly what it was"
run 0 "eval before" eval --model "$model" --archive two.wsic --tokens "$calibration" \
    --max-tokens 2048 --window 128 --json
before=$(value out kl_bits)
run 0 "eval after" eval --model "$model" --archive tuned.wsic --tokens "$calibration" \
    --max-tokens 2048 --window 128 --json
holds "$(value out kl_bits) < 0.95 * $before" "fine-tuning lowers the divergence"
run 0 "finetune in steps that are too long" finetune --model "$model" --archive two.wsic \
    --tokens "$calibration" --max-tokens 512 --window 128 --learning-rate 1 -o tuned.wsic
says err "watersic-llm: warning: fine-tuning has raised the divergence" "a loss is warned of"
[ "$(wc -l <err)" = 1 ] && [ -s tuned.wsic ]
report $? "in one line, and the archive is there"
rm tuned.wsic
refused 1 "there is not one window of 256 tokens" "finetune on too few tokens" \
    finetune --model "$model" --archive two.wsic --tokens "$calibration" --max-tokens 255 -o x.wsic
refused 2 "--archive is missing" "finetune without an archive" \
    finetune --model "$model" --tokens "$calibration" -o x.wsic

# --- what is refused --------------------------------------------------------------

refused 1 "absent/config.json: " "a model that is not there" \
    eval --model absent --tokens "$evaluation"
refused 1 "absent.txt: No such file" "a text that is not there" \
    eval --model "$model" --tokens absent.txt
refused 1 "more than the model's 256 positions" "a window that is too long" \
    eval --model "$model" --tokens "$evaluation" --window 257
refused 1 "too short" "a text of one token" \
    eval --model "$model" --tokens "$evaluation" --max-tokens 1
refused 1 "absent.wsic" "an archive that is not there" \
    eval --model "$model" --archive absent.wsic --tokens "$evaluation" --max-tokens 64
refused 1 "$evaluation: " "an archive that is none" \
    eval --model "$model" --archive "$evaluation" --tokens "$evaluation" --max-tokens 64
refused 2 "setting 'colour=red': " "an unknown parameter" \
    quantize --model "$model" --tokens "$calibration" --rate 2 -o x.wsic --set colour=red
refused 2 "preset 'best': " "an unknown preset" \
    quantize --model "$model" --tokens "$calibration" --rate 2 -o x.wsic --preset best
refused 1 "absent/x.wsic" "a directory that is not there" \
    quantize --model "$model" --tokens "$calibration" --rate 2 -o absent/x.wsic
head -c 100000 four.wsic >short.wsic
refused 1 "short.wsic: " "a truncated archive" \
    eval --model "$model" --archive short.wsic --tokens "$evaluation" --max-tokens 64

# Another model's archive.
mkdir other
sed 's/"num_hidden_layers": 4/"num_hidden_layers": 5/' "$model/config.json" >other/config.json
cp "$model/model.safetensors" other
refused 1 'tensor "model.layers.4.' "a checkpoint that lacks a block" \
    eval --model other --tokens "$evaluation"
sed 's/"rope_scaling": null/"rope_scaling": {"type": "dynamic"}/' "$model/config.json" >other/config.json
refused 1 "other/config.json: \"type\" is \"dynamic\"" "a model that is not supported" \
    eval --model other --tokens "$evaluation"

# Nothing is left of fine-tuning that is interrupted. The signal comes while the temporary file is
# there.
"$program" finetune --model "$model" --archive two.wsic --tokens "$calibration" \
    --max-tokens 2048 --epochs 1000 -o tuned.wsic >out 2>err &
process=$!
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    [ "$(find . -name '*tuned.wsic?*' | wc -l)" = 0 ] || break
    sleep 0.1
done
kill -TERM "$process"
wait "$process"
code=$?
[ "$code" = 1 ] && [ "$(cat err)" = "watersic-llm: interrupted" ]
report $? "interrupted fine-tuning fails" "exit code $code"
[ "$(find . -name '*.wsic*' | wc -l)" = 4 ]
report $? "interrupted fine-tuning leaves nothing" "$(find . -name '*.wsic*')"

# Long enough that it is at work when the signal comes, on any machine.
for layers in "" --layers; do
    # shellcheck disable=SC2086
    "$program" eval --model "$model" --archive two.wsic --tokens "$calibration" \
        --max-tokens 1000000 $layers >out 2>err &
    process=$!
    sleep 0.7
    kill -TERM "$process"
    wait "$process"
    code=$?
    [ "$code" = 1 ] && [ "$(cat err)" = "watersic-llm: interrupted" ]
    report $? "interrupted evaluation fails $layers" "exit code $code"
done

if [ -e /dev/full ]; then
    "$program" eval --model "$model" --tokens "$evaluation" --max-tokens 64 >/dev/full 2>err
    [ $? = 1 ]
    report $? "a full disk is a failure"
    says err "watersic-llm: standard output: " "and is told"
    for arguments in --help --version "eval --help"; do
        # shellcheck disable=SC2086
        "$program" $arguments >/dev/full 2>err
        [ $? = 1 ] && [ "$(wc -l <err)" = 1 ]
        report $? "$arguments: a full disk is a failure"
    done
fi

no_rest "all commands"
echo "1..$count"
