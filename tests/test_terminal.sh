#!/bin/sh
# SPDX-License-Identifier: MIT
# What the programs do on a terminal, which script(1) plays: a bar with rate and time left, colours
# unless NO_COLOR is set, tables that fit its width; and none of it elsewhere.
# Usage: test_terminal.sh WATERSIC WATERSIC_LLM EXAMPLES_DATA
set -u
# shellcheck source=tests/program.sh
. "$(dirname "$0")/program.sh"

llm=$(absolute "$2")
data=$(absolute "$3")
begin "$1"
OPENBLAS_NUM_THREADS=1
export OPENBLAS_NUM_THREADS

if ! script -qec true /dev/null >/dev/null 2>&1 </dev/null; then
    skip "a terminal" "there is no script(1) of util-linux"
    echo "1..$count"
    exit 0
fi
escape=$(printf '\033')

# on_terminal COLUMNS COMMAND: standard output and standard error of a command of the shell, in out
on_terminal()
{
    COLUMNS=$1 TERM=xterm script -qec "$2" /dev/null >raw 2>err </dev/null
    tr '\r' '\n' <raw >out
}

evaluation="'$llm' eval --model '$data/tinylm' --tokens '$data/evaluation.txt' --max-tokens 65536"
on_terminal 100 "$evaluation"
grep -q "\[$escape\[36m#*-*$escape\[0m\] .* % .*block .*%/min .* left" out
report $? "a bar, what is done, its rate and the time left" "$(cat -v out)"
longest=$(sed "s/$escape\[[0-9;]*[mK]//g" out | grep 'block' | awk '{ if (length > n) n = length } END { print n + 0 }')
[ "$longest" -gt 0 ] && [ "$longest" -le 100 ]
report $? "the bar is no longer than a line" "$longest"
on_terminal 40 "$evaluation"
longest=$(sed "s/$escape\[[0-9;]*[mK]//g" out | grep 'block' | awk '{ if (length > n) n = length } END { print n + 0 }')
[ "$longest" -gt 0 ] && [ "$longest" -le 40 ]
report $? "in a narrow terminal either" "$longest"
NO_COLOR=1
export NO_COLOR
on_terminal 100 "$evaluation"
grep -q '%/min' out && ! grep -q "$escape\[[0-9;]*m" out
report $? "NO_COLOR: no colours"
on_terminal 100 "'$program' nothing"
grep -q "^watersic: 'nothing'" out
report $? "NO_COLOR: messages are plain"
unset NO_COLOR
for name in "$program" "$llm"; do
    on_terminal 100 "'$name' nothing"
    grep -q "^$escape\[1;31m${name##*/}:$escape\[0m 'nothing'" out
    report $? "errors of ${name##*/} stand out"
done
"$llm" eval --model "$data/tinylm" --tokens "$data/evaluation.txt" --max-tokens 4096 >out 2>&1
! grep -q "$escape" out && ! grep -q '%/min' out
report $? "elsewhere there is neither"

"$llm" quantize --model "$data/tinylm" --tensors '*.1.*_proj*' --data-free --rate 2 --preset fast \
    -o a.wsic >plain 2>err
report $? "an archive is made"
grep -q '^model.layers.1.self_attn.q_proj.weight ' plain
report $? "names are whole where lines may be long"
on_terminal 100 "'$program' info a.wsic"
widest=$(grep 'proj' out | awk '{ if (length > n) n = length } END { print n + 0 }')
[ "$widest" -gt 80 ] && [ "$widest" -le 100 ] && grep -q '^\.\.\..*q_proj.weight ' out
report $? "a table of info fits the width" "$widest"
on_terminal 70 "'$llm' quantize --model '$data/tinylm' --tensors '*.1.*_proj*' --data-free --rate 2 --preset fast -o b.wsic 2>err"
widest=$(grep 'proj' out | awk '{ if (length > n) n = length } END { print n + 0 }')
[ "$widest" -gt 40 ] && [ "$widest" -le 70 ] && grep -q '^\.\.\..*q_proj.weight ' out
report $? "and so does one of watersic-llm" "$widest"

echo "1..$count"
