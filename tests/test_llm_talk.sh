#!/bin/sh
# SPDX-License-Identifier: MIT
# watersic-llm generate: the same text for every form of the layers and for a seed.
# Usage: test_llm_talk.sh WATERSIC_LLM EXAMPLES_DATA
set -u
# shellcheck source=tests/program.sh
. "$(dirname "$0")/program.sh"

data=$(absolute "$2")
families=$(absolute "$(dirname "$0")/data/families")
begin "$1"

"$program" quantize --model "$data/tinylm" --tokens "$data/calibration.txt" --max-tokens 512 --rate 4 \
    --preset fast --plan none --recipe plain --directory q >out 2>err
report $? "a model is quantized"

# talk OPTION... : the text of 40 tokens in text
talk()
{
    "$program" generate --max-new-tokens 40 "$@" >out 2>err </dev/null
    text=$(cat out)
}

talk --model "$data/tinylm" --prompt 'static int '
original=$text
[ "${#original}" -ge 30 ]
report $? "a checkpoint goes on with a text" "$original"
says err '11 tokens read' "what was read is told"
says err 'layers (f32) 6.2' "what is in memory is told"

talk --model q --prompt 'static int '
coded=$text
says err 'layers (coded)' "coded layers stay coded"
for form in int8 f32; do
    talk --model q --prompt 'static int ' --resident $form
    [ "$text" = "$coded" ]
    report $? "$form: the likeliest tokens are the same" "$text, not $coded"
done
talk --model "$data/tinylm" --archive q --prompt 'static int '
[ "$text" = "$coded" ]
report $? "a directory in place of an archive"

talk --model q --prompt 'static int ' --temperature 1 --seed 5
first=$text
talk --model q --prompt 'static int ' --temperature 1 --seed 5
[ "$text" = "$first" ]
report $? "a seed tells the text"
talk --model q --prompt 'static int ' --temperature 1 --seed 6
[ "$text" != "$first" ]
report $? "another seed another one"
talk --model q --prompt 'static int ' --temperature 1 --seed 5 --top-k 1
[ "$text" = "$coded" ]
report $? "one choice is the likeliest"

printf 'The \nand\n' | "$program" generate --model q --interactive --max-new-tokens 8 >out 2>err
[ "$(wc -l <out)" -ge 2 ]
report $? "lines are answered"
run 0 "JSON" generate --model q --prompt 'if (' --max-new-tokens 5 --json
has_keys "JSON" text resident ended_by prompt_tokens tokens tokens_per_second layers cache peak_bytes
[ "$(value out tokens)" = 5 ]
report $? "JSON: as many tokens as asked for"
run 0 "a window that gets full" generate --model q --prompt 'if (' --window 10
says err 'ended by window full' "a window that gets full: says so"

# A token that ends a text
cp -r q ends
echo '{"eos_token_id": [32, 10]}' >ends/generation_config.json
run 0 "an end" generate --model ends --prompt 'static int' --resident f32 --temperature 0
says err 'ended by end of text' "an end: says so"

refused 1 "the window of 4 tokens is full" "a prompt too long" generate --model q --prompt 'static int' \
    --window 4
refused 1 "has no coded layers to keep as int8" "a form without codes" generate \
    --model "$data/tinylm" --prompt x --resident int8
refused 2 "--prompt is missing" "no prompt" generate --model q
refused 2 "'int3' is neither" "an unknown form" generate --model q --prompt x --resident int3
refused 2 "no number from 0 to 100" "a temperature below 0" generate --model q --prompt x --temperature -1
refused 2 "no number from 0 to 2^64 - 1" "a seed that is none" generate --model q --prompt x --seed a
echo '{"eos_token_id": "x"}' >ends/generation_config.json
refused 1 '"eos_token_id" is no token' "a bad end" generate --model ends --prompt x
echo '{"eos_token_id"' >ends/generation_config.json
refused 1 'ends/generation_config.json: line' "settings that are no JSON" generate --model ends --prompt x
rm ends/generation_config.json

refused 1 "tokenizer.json" "a model without its tokenizer" generate --model "$families/phi3" --prompt x
run 0 "bytes that are no text" generate --model q --prompt x --temperature 100 --seed 1 --json
tail -n 1 out | grep -qx '}' && has_keys "a report of bytes that are no text" ended_by peak_bytes

if command -v qemu-x86_64 >/dev/null && qemu-x86_64 -cpu core2duo "$program" generate --model q \
    --prompt 'static int ' --temperature 1 --seed 5 --max-new-tokens 40 >out 2>err; then
    [ "$(cat out)" = "$first" ]
    report $? "the same text on another processor" "$(cat out), not $first"
else
    skip "the same text on another processor" "qemu-user cannot run the program"
fi

echo "1..$count"
