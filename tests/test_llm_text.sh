#!/bin/sh
# SPDX-License-Identifier: MIT
# Text for watersic-llm: the command tokens, and --text of the other commands.
# Usage: test_llm_text.sh WATERSIC_LLM EXAMPLES_DATA GOLDEN
set -u
# shellcheck source=tests/program.sh
. "$(dirname "$0")/program.sh"

data=$(absolute "$2")
golden=$(absolute "$3")
begin "$1"

# same FILE FILE NAME: both hold the same bytes
same()
{
    cmp -s "$1" "$2"
    report $? "$3" "$1 and $2 differ"
}

# --- the command line ----------------------------------------------------------

run 0 "tokens --help" tokens --help
says out "Usage: watersic-llm tokens" "tokens --help prints the usage"
refused 2 "--model is missing" "tokens without a model" tokens --text t --show
refused 2 "--tokens or --text is missing" "tokens of nothing" tokens --model m --show
refused 2 "--tokens and --text exclude each other" "tokens of both" tokens --model m --text t --tokens t --show
refused 2 "--output or --show is missing" "tokens to nowhere" tokens --model m --text t
refused 2 "--window is no option of this command" "a window for tokens" tokens --window 3
refused 2 "--tokens or --text is missing" "eval of nothing" eval --model m
refused 2 "--tokens and --text exclude each other" "eval of both" eval --model m --text t --tokens t
refused 2 "--eval or --eval-text is missing" "compare without a second text" \
    compare --model m --text t --rates 2
refused 2 "--eval and --eval-text exclude each other" "compare with two second texts" \
    compare --model m --text t --rates 2 --eval t --eval-text t

# --- text to tokens and back ------------------------------------------------------

mkdir llama2 metaspace bytes
for family in llama2 metaspace bytes; do
    cp "$golden/$family.json" "$family/tokenizer.json"
done
printf 'All human beings\n\303\251\377 "x"' >text
run 0 "text to tokens" tokens --model llama2 --text text -o text.u16
says err "text: not UTF-8 at 1 places, the first of them byte 19" "broken UTF-8 is told"
run 0 "tokens to text" tokens --model llama2 --tokens text.u16 -o back
printf 'All human beings\n\303\251\357\277\275 "x"' >expected
same back expected "tokens come back as text"
run 0 "tokens of 32 bits" tokens --model llama2 --text text -o text.u32
[ "$(($(wc -c <text.u32)))" = $((2 * $(wc -c <text.u16))) ]
report $? "twice as many bytes in .u32"
run 0 "text without what surrounds it" tokens --model llama2 --text text --no-special -o bare.u16
[ "$(($(wc -c <bare.u16) + 2))" = "$(($(wc -c <text.u16)))" ]
report $? "one token fewer without BOS"
run 0 "pieces of a text" tokens --model llama2 --text text --show
says out '1	"<s>"' "pieces begin with BOS"
says out '	"\""' "quotation marks are escaped"
cp out shown
run 0 "pieces of tokens" tokens --model llama2 --tokens text.u16 --show
same out shown "pieces of tokens are those of the text"
run 0 "text with EOS" tokens --model metaspace --text text -o eos.u16
run 0 "and back" tokens --model metaspace --tokens eos.u16 -o back
! grep -q 's>' back
report $? "neither BOS nor EOS come back as text"

# tokenizer_config.json goes before tokenizer.json.
mkdir bare
cp llama2/tokenizer.json bare
echo '{"add_bos_token":false,"bos_token":{"content":"<s>"},"add_eos_token":true,"eos_token":"</s>"}' \
    >bare/tokenizer_config.json
run 0 "EOS in place of BOS" tokens --model bare --text text -o other.u16
{ tail -c +3 text.u16 && printf '\002\000'; } >expected
same other.u16 expected "add_bos_token and add_eos_token are followed"
echo '{"add_bos_token":null}' >bare/tokenizer_config.json
run 0 "null" tokens --model bare --text text -o other.u16
same other.u16 text.u16 "null leaves tokens as they are"
echo '{"add_bos_token":true,"bos_token":"<begin>"}' >bare/tokenizer_config.json
refused 1 "\"bos_token\": '<begin>' is no token" "a token that is none" tokens --model bare --text text -o x.u16
echo '{"add_bos_token":1,"bos_token":"<s>"}' >bare/tokenizer_config.json
refused 1 "\"add_bos_token\" is neither true nor false" "a flag that is none" \
    tokens --model bare --text text -o x.u16

# --- what is refused, and leaves nothing behind ------------------------------------

: >empty
refused 1 "empty: the text is empty" "an empty text" tokens --model llama2 --text empty -o x.u16
refused 1 "nofile: No such file" "a missing text" tokens --model llama2 --text nofile -o x.u16
refused 1 "nodir/tokenizer.json: No such file" "a missing tokenizer" tokens --model nodir --text text -o x.u16
refused 1 "x.bin: files of tokens are called .u16 or .u32" "another name" \
    tokens --model llama2 --text text -o x.bin
refused 1 "text.u16: is not written" "output over input" tokens --model llama2 --tokens text.u16 -o text.u16
printf '\377\377' >high.u16
refused 1 "token 0 is 65535, but the vocabulary has" "a token that does not exist" \
    tokens --model llama2 --tokens high.u16 -o back2
mkdir large
sed 's/"added_tokens":\[/&{"id":70000,"content":"<large>"},/' llama2/tokenizer.json >large/tokenizer.json
refused 1 "x.u16: numbers of 16 bits do not name the tokenizer's 70001 tokens" "too few bits" \
    tokens --model large --text text -o x.u16
[ ! -e x.u16 ] && [ ! -e x.bin ] && [ ! -e back2 ]
report $? "nothing is left of what was refused"

# --- text for the other commands -----------------------------------------------------

# In this vocabulary text is its bytes, which is how the small model reads it.
cp "$data/tinylm/config.json" "$data/tinylm/model.safetensors" bytes
head -c 40000 "$data/evaluation.txt" >some
run 0 "eval of tokens" eval --model bytes --tokens some --max-tokens 4096 --json
sed 's/"seconds":[^,}]*//' out >expected
run 0 "eval of text" eval --model bytes --text some --max-tokens 4096 --json
sed 's/"seconds":[^,}]*//' out >measured
same measured expected "text is evaluated as its tokens are"
run 0 "quantize with tokens" quantize --model bytes --tokens some --rate 2 --preset fast --recipe plain \
    --max-tokens 2048 -o tokens.wsic
run 0 "quantize with text" quantize --model bytes --text some --rate 2 --preset fast --recipe plain \
    --max-tokens 2048 -o text.wsic
same text.wsic tokens.wsic "text gives the archive that its tokens give"
# Every window begins with a token: as if it were written there.
head -c 630 some | tr '\n~' '  ' | fold -b -w 63 | tr '\n' '~' | sed 's/^/~/; s/~$//' >begun
run 0 "eval of tokens with BOS written into them" eval --model bytes --tokens begun --window 64 --json
sed 's/"seconds":[^,}]*//; s/"beginning_tokens": 0/"beginning_tokens": 1/' out >expected
echo '{"add_bos_token":true,"bos_token":"~"}' >bytes/tokenizer_config.json
head -c 630 some | tr '\n~' '  ' >unbegun
for kind in tokens text; do
    run 0 "eval --bos of $kind" eval --model bytes "--$kind" unbegun --window 64 --bos --json
    sed 's/"seconds":[^,}]*//' out >measured
    same measured expected "--bos begins windows of $kind"
    run 0 "eval of $kind" eval --model bytes "--$kind" unbegun --window 64 --json
    sed 's/"seconds":[^,}]*//' out >measured
    same measured expected "and so does eval where the tokenizer would"
done
run 0 "eval of tokens that are only cut" eval --model bytes --tokens begun --window 64 --json --no-bos
sed 's/"seconds":[^,}]*//; s/"beginning_tokens": 0/"beginning_tokens": 1/' out >measured
same measured expected "--no-bos cuts tokens as they are"
rm bytes/tokenizer_config.json
run 0 "eval --bos where nothing begins a text" eval --model bytes --text unbegun --window 64 --bos
says err "puts nothing before a text" "that is said"
echo '{}' >bytes/tokenizer.json
run 0 "eval of tokens beside a tokenizer that cannot be read" eval --model bytes --tokens unbegun --window 64
says err "windows are cut as the tokens are" "that is said"
refused 1 "bytes/tokenizer.json" "eval --bos beside it" eval --model bytes --tokens unbegun --window 64 --bos
cp "$golden/llama2.json" bytes/tokenizer.json
refused 1 "tokenizer.json: the vocabulary has" "the tokenizer of another model" eval --model bytes --text some
sed 's/"added_tokens":\[/&{"id":300,"content":"<large>"}/' "$golden/bytes.json" >bytes/tokenizer.json
echo 'a <large> b' >large_text
refused 1 "large_text: '<large>' is token 300, but the model's vocabulary has 256" \
    "a token that the model does not have" eval --model bytes --text large_text
refused 1 "is 300, but the vocabulary has 256" "a prompt with such a token" generate --model bytes \
    --prompt 'a <large> b'
run 0 "but not if it does not occur" eval --model bytes --text some --max-tokens 512

echo "1..$count"
