#!/bin/sh
# SPDX-License-Identifier: MIT
# Directories that stand alone: what watersic-llm packs and restores.
# Usage: test_llm_directory.sh WATERSIC_LLM EXAMPLES_DATA
set -u
# shellcheck source=tests/program.sh
. "$(dirname "$0")/program.sh"

data=$(absolute "$2")
families=$(absolute "$(dirname "$0")/data/families")
begin "$1"
text=$data/evaluation.txt

cp -r "$data/tinylm" model
rm -f model/logits*
echo '{"version": "1.0"}' >model/tokenizer.json
echo 'licence' >model/LICENSE
: >model/pytorch_model.bin
mkdir model/runs

# evaluate OPTION... : sets entropy
evaluate()
{
    "$program" eval --tokens "$text" --max-tokens 2048 --json "$@" >out 2>err
    entropy=$(value out cross_entropy)
}

# quantize OPTION...
quantize()
{
    "$program" quantize --model model --tokens "$data/calibration.txt" --max-tokens 512 --rate 2.5 \
        --preset fast --plan none --recipe plain "$@" >out 2>err </dev/null
}

quantize -o a.wsic
report $? "an archive is made"
quantize --directory q/ --json
report $? "a directory is made"
[ "$(value out output)" = '"q/"' ]
report $? "the report names it"
[ "$(find . -name '*.wsic*')" = ./a.wsic ]
report $? "the run's own archive is gone" "$(ls)"
run 0 "pack" pack --model model --archive a.wsic -o packed
cmp -s q/model.safetensors packed/model.safetensors && cmp -s q/config.json packed/config.json
report $? "quantize --directory and pack write the same bytes"
no_rest "pack"

quantize --directory x --dry-run --json
holds "sqrt(($(value out directory_bytes) / $(wc -c <q/model.safetensors) - 1)^2) < 0.03" \
    "--dry-run tells the size beforehand"
[ ! -e x ]
report $? "--dry-run writes nothing"

# What is in it
cmp -s model/tokenizer.json q/tokenizer.json && cmp -s model/LICENSE q/LICENSE &&
    cmp -s model/info.json q/info.json
report $? "the other files are those of the checkpoint"
[ ! -e q/pytorch_model.bin ] && [ ! -e q/runs ]
report $? "weights in other formats and folders are left out"
says q/config.json '"quant_method": "watersic"' "config.json names the method"
[ "$(wc -c <q/model.safetensors)" -lt $(($(wc -c <model/model.safetensors) / 5)) ]
report $? "it is small"

# It is a model
evaluate --model model --archive a.wsic
of_archive=$entropy
kl=$(value out kl_bits)
evaluate --model q
[ "$entropy" = "$of_archive" ]
report $? "as a model it predicts as the archive does" "$entropy, not $of_archive"
evaluate --model model --archive q
[ "$entropy" = "$of_archive" ] && [ "$(value out kl_bits)" = "$kl" ]
report $? "in place of an archive it is worth the same"
run 0 "restore f32" restore q -o f32 --type f32
evaluate --model f32
[ "$entropy" = "$of_archive" ]
report $? "restored in single precision it predicts the same" "$entropy, not $of_archive"
! grep -q quantization_config f32/config.json
report $? "a restored checkpoint is an ordinary one"
run 0 "restore" restore --model q --output plain
! grep -aq -e '"F32"' -e '"U8"' plain/model.safetensors
report $? "restored weights are of the type that they were"

# In several files
run 0 "pack into several files" pack --model model --archive a.wsic -o shards --shard-size 200KB
[ -e shards/model-00004-of-00004.safetensors ] && [ -e shards/model.safetensors.index.json ] &&
    [ ! -e shards/model.safetensors ]
report $? "files and an index" "$(ls shards)"
evaluate --model shards
[ "$entropy" = "$of_archive" ]
report $? "they are the same model"
run 0 "restore into several files" restore shards -o more --type f32 --shard-size 1MB
evaluate --model more
[ "$entropy" = "$of_archive" ]
report $? "also restored"

# Families: layers that are bands of one tensor, names with a prefix, numbers in FP8
for family in phi3 gemma3_vision mistral_fp8; do
    "$program" quantize --model "$families/$family" --tokens "$families/$family/tokens.u16" \
        --window 20 --rate 6 --preset fast --plan none --recipe plain -o $family.wsic >out 2>err
    run 0 "pack $family" pack --model "$families/$family" --archive $family.wsic -o $family
    set -- --tokens "$families/$family/tokens.u16" --window 20 --json
    "$program" eval --model "$families/$family" --archive $family.wsic "$@" >out 2>err
    wanted=$(value out cross_entropy)
    "$program" eval --model $family "$@" >out 2>err
    [ -n "$wanted" ] && [ "$(value out cross_entropy)" = "$wanted" ]
    report $? "$family: the directory predicts as the archive does" "$wanted"
    "$program" eval --model "$families/$family" --archive $family "$@" >out 2>err
    [ "$(value out cross_entropy)" = "$wanted" ]
    report $? "$family: so it does in place of the archive"
    run 0 "restore $family" restore $family -o $family.plain --type f32
    "$program" eval --model $family.plain "$@" >out 2>err
    [ "$(value out cross_entropy)" = "$wanted" ]
    report $? "$family: and so does the restored checkpoint" "$wanted"
done

# Fine-tuning goes on from it.
run 0 "finetune" finetune --model model --archive q --tokens "$text" --max-tokens 512 -o tuned.wsic
run 0 "pack what is tuned" pack --model model --archive tuned.wsic -o tuned
evaluate --model model --archive tuned
holds "$(value out kl_bits) < 2 * $kl" "it is near the original"

# Codes
run 0 "restore codes" restore q -o codes --int8 --json
[ "$(value out coded_tensors)" = 28 ]
report $? "all layers are codes"
for part in codes row_scales column_scales; do
    grep -aq "down_proj.weight_$part\"" codes/model.safetensors
    report $? "there are $part"
done

# Nothing is lost or half done.
refused 1 "q: is there already, and not empty" "an output that is there" restore packed -o q
refused 1 "a.wsic: is there already, and no directory" "an output that is a file" \
    restore q -o a.wsic
refused 1 "no such/d: cannot be written" "an output nowhere" restore q -o 'no such/d'
refused 1 "model: has no coded tensors to restore" "an ordinary checkpoint" restore model -o x
refused 1 "model: has no coded tensors" "an ordinary checkpoint for an archive" \
    eval --model model --archive model --tokens "$text"
refused 1 "beyond I4" "codes that do not fit" restore q -o x --int4
[ ! -e x ]
report $? "nothing is left of it"
no_rest "a failure"
refused 2 "--int8, --int4 and --type exclude each other" "two types" restore q -o x --int8 --type f32
refused 2 "'f8' is neither" "an unknown type" restore q -o x --type f8
refused 2 "'5TB' is no size" "an unknown unit" restore q -o x --shard-size 5TB
refused 2 "--output and --directory exclude each other" "two outputs" quantize --model model \
    --tokens "$text" --rate 2 -o x --directory y
refused 2 "--output is missing" "no output" quantize --model model --tokens "$text" --rate 2
cp a.wsic taken.wsic
refused 1 "taken.wsic: is there already" "an archive in the way" quantize --model model \
    --tokens "$text" --rate 2 --directory taken
cmp -s a.wsic taken.wsic
report $? "it is untouched"
cp -r model other
sed -i 's/"rms_norm_eps": 1e-05/"rms_norm_eps": 1e-04/' other/config.json
refused 1 "was made from another checkpoint" "another checkpoint" pack --model other \
    --archive a.wsic -o x
if (ulimit -f 200 && "$program" restore q -o x >out 2>err); then code=0; else code=1; fi
[ "$code" = 1 ] && [ ! -e x ]
report $? "a full disk leaves no directory"
no_rest "a full disk"

# Killed at any moment, restore leaves a whole directory or none. What SIGKILL leaves of its work is
# hidden, and in nobody's way; other signals leave nothing.
for signal in KILL TERM; do
    broken=
    for delay in 0.002 0.004 0.008 0.016 0.032 0.064; do
        "$program" restore q -o late --type f32 >out 2>err &
        process=$!
        sleep $delay
        kill -$signal $process 2>/dev/null
        wait $process 2>/dev/null
        [ ! -e late ] || diff -r late f32 >out 2>&1 || broken="$broken $delay"
        rm -rf late
    done
    [ -z "$broken" ]
    report $? "SIG$signal leaves a whole directory or none" "broken after:$broken s"
    [ $signal = TERM ] || rm -rf .watersic-*
done
no_rest "a restore that is told to stop"
quantize --directory whole
"$program" quantize --model model --tokens "$data/calibration.txt" --max-tokens 512 --rate 2.5 \
    --preset fast --plan none --recipe plain --directory begun >out 2>err </dev/null &
process=$!
sleep 0.5
kill -KILL $process 2>/dev/null
wait $process 2>/dev/null
[ ! -e begun ]
report $? "a killed quantize leaves no directory"
quantize --directory begun
diff -r begun whole >out 2>&1
report $? "and the same command then makes it whole"

"$program" quantize --model "$families/phi3" --tokens "$families/phi3/tokens.u16" --window 20 --rate 6 \
    --preset fast --plan none --recipe plain --skip '*.k_proj.weight' -o part.wsic >out 2>err
refused 1 'its 2 layers of tensor "model.layers.0.self_attn.qkv_proj.weight" have 64 rows, but' \
    "a tensor of which a part is quantized" pack --model "$families/phi3" --archive part.wsic -o x

# A stamp of a later version, and one that does not fit
sed 's/"watersic.version":"1"/"watersic.version":"2"/' q/model.safetensors >changed
mkdir later && cp q/config.json later && mv changed later/model.safetensors
refused 1 'coded tensors of version "2"' "a later stamp" restore later -o x
sed 's/\\"shape\\":\[192,512\]/\\"shape\\":[192,511]/' q/model.safetensors >later/model.safetensors
refused 1 "is 192 x 512, where 192 rows of 511 are left" "a stamp of another shape" \
    restore later -o x
refused 1 "is not [192, 512]" "a stamp of another shape for a model" eval --model later \
    --tokens "$text"
sed 's/\\"name\\":\\"model.layers.1.self_attn.q_proj/\\"name\\":\\"model.layers.0.self_attn.q_proj/' \
    q/model.safetensors >later/model.safetensors
refused 1 'holds layer "model.layers.0.self_attn.q_proj.weight" twice' "a layer that is there twice" \
    eval --model model --archive later --tokens "$text"

echo "1..$count"
