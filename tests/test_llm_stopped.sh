#!/bin/sh
# SPDX-License-Identifier: MIT
# watersic-llm quantize, stopped by signals and by full disks, and gone on with: the archive is that
# of a run without a stop, and nothing has its name before it is finished.
# Usage: test_llm_stopped.sh WATERSIC_LLM EXAMPLES_DATA
set -u
# shellcheck source=tests/program.sh
. "$(dirname "$0")/program.sh"

data=$(absolute "$2")
begin "$1"
tokens=$data/calibration.txt

# quantize OPTION... : a short run that writes x.wsic. Equal shares are a plan that is made again by
# a run that goes on; sensitivities would take longer than all the rest.
quantize()
{
    set -- quantize --model "$data/tinylm" --tokens "$tokens" --max-tokens 512 --rate 2 \
        --preset fast --plan equal -o x.wsic "$@"
    "$program" "$@" >out 2>err </dev/null
}

# size FILE: 0 if it is not there
size()
{
    if [ -e "$1" ]; then wc -c <"$1"; else echo 0; fi
}

# start BYTES: begin a run, and wait until the unfinished archive has more bytes than that
start()
{
    "$program" quantize --model "$data/tinylm" --tokens "$tokens" --max-tokens 512 --rate 2 \
        --preset fast --plan equal -o x.wsic >out.first 2>err.first </dev/null &
    process=$!
    while [ "$(size x.wsic.part)" -le "$1" ] && kill -0 "$process" 2>/dev/null; do
        sleep 0.02
    done
}

# await: wait for the run that was started; sets code
await()
{
    wait "$process" 2>/dev/null
    code=$?
    mv out.first out
    mv err.first err
}

# stopped CODE NAME [BYTES]: the run has ended with this code, has left x.wsic as it was, and has
# kept more than so many bytes
stopped()
{
    await
    [ "$code" = "$1" ]
    report $? "$2: exit code $1" "exit code $code"
    cmp -s older x.wsic
    report $? "$2: the older archive is there"
    [ "$(size x.wsic.part)" -gt "${3-0}" ]
    report $? "$2: what was made is kept" "$(ls -l)"
}

one_line()
{
    [ "$(wc -l <err)" = 1 ] && [ "$(sed 's/:.*//' err)" = "${program##*/}" ]
    report $? "$1: one line on standard error"
}

# hangs_up: SIGHUP ends processes that do not care for it
hangs_up()
{
    ! { sh -c 'kill -HUP $$'; } 2>/dev/null
}

# same CODE NAME: the run has succeeded, and its archive is that of the run without a stop
same()
{
    code=$1
    shift
    [ "$code" = 0 ] && cmp -s reference x.wsic && [ ! -e x.wsic.part ]
    report $? "$1" "exit code $code, $(ls -l)"
}

quantize --json
report $? "a run without a stop"
[ "$(value out taken_over)" = 0 ]
report $? "which takes nothing over"
mv x.wsic reference

# --- signals ----------------------------------------------------------------------

echo "an older archive" >older
cp older x.wsic
start 12
kill -TERM "$process"
stopped 1 "SIGTERM"
one_line "SIGTERM"
says err "x.wsic.part keeps" "SIGTERM: the line tells what is kept"
start 100000
kill -KILL "$process"
stopped 137 "SIGKILL" 100000
# A shell that was started with SIGHUP ignored, as nohup does, cannot give it back to the program.
if hangs_up; then
    start 200000
    kill -HUP "$process"
    stopped 1 "SIGHUP" 200000
    one_line "SIGHUP"
else
    start 200000
    kill -TERM "$process"
    await
    skip "SIGHUP" "it is ignored here"
fi
cp x.wsic.part part

# --- what does not fit ------------------------------------------------------------------

# other TEXT NAME OPTION... : a run with other options is refused, and the file left alone
other()
{
    text=$1
    name=$2
    shift 2
    quantize "$@"
    code=$?
    [ "$code" = 1 ] && cmp -s part x.wsic.part && cmp -s older x.wsic
    report $? "$name: refused, the files left alone" "exit code $code"
    one_line "$name"
    says err "x.wsic.part: $text" "$name: is named"
    says err "--restart" "$name: the way out is named"
}
other "calibration.window is 256, but this run has 64 " "another window" --window 64
other "calibration.tokens is 512, but this run has 1024 " "more tokens" --max-tokens 1024
other "calibration.recipe.drift is true, but this run has false " "another recipe" --no-drift
other "parameters is rate=2, but this run has rate=3 " "another rate" --rate 3
other "preset is fast, but this run has paper " "another preset" --preset paper
other "parameters is nothing, but this run has limit=1 " "the limit" --limit
tr e a <"$tokens" >text
tokens=text
other "fingerprint.tokens is " "another text"
tokens=$data/calibration.txt

# The first has the file once that grows.
start "$(size part)"
quantize
[ $? = 1 ]
report $? "a second run beside the first is refused"
says err "another writer" "and told why"
await
same "$code" "the first goes on to the end"
says out "taken over)" "and tells how much it took over"

# --- beginning anew -----------------------------------------------------------------------

mv part x.wsic.part
quantize --restart --json
same $? "--restart begins anew"
[ "$(value out taken_over)" = 0 ]
report $? "and takes nothing over"

rm x.wsic
echo "notes of somebody" >x.wsic.part
quantize --restart
[ $? = 1 ] && [ "$(cat x.wsic.part)" = "notes of somebody" ] && [ ! -e x.wsic ]
report $? "a file that is no archive is refused and left alone"
one_line "a file that is no archive"
rm x.wsic.part

# --- full disks -------------------------------------------------------------------------

# What a process may write ends here as a full disk does.
for blocks in 1 300 780; do
    (
        ulimit -f "$blocks"
        quantize
    )
    code=$?
    [ "$code" = 1 ] && [ ! -e x.wsic ]
    report $? "a file of at most $blocks blocks: exit code 1, no archive" "exit code $code"
    one_line "a file of at most $blocks blocks"
    says err "File too large" "a file of at most $blocks blocks: the reason is told"
done
quantize --json
same $? "after a full disk the run goes on"
[ "$(value out taken_over)" -gt 5 ]
report $? "with what was there"

# --- little memory -------------------------------------------------------------------------

# What a process may have ends far below what BLAS takes for itself, which some of them ask for
# again and again.
for kilobytes in 100000 150000 200000; do
    # shellcheck disable=SC3045 # skipped where the shell cannot do it
    if ! (ulimit -v "$kilobytes" && "$program" --version) >out 2>err; then
        skip "$kilobytes KiB of memory" "the program does not start with them"
        continue
    fi
    rm -f x.wsic
    (
        # shellcheck disable=SC3045
        ulimit -v "$kilobytes"
        OPENBLAS_NUM_THREADS=2
        export OPENBLAS_NUM_THREADS
        quantize --restart
    ) &
    process=$!
    (
        sleep 60
        kill -KILL "$process"
    ) 2>/dev/null &
    guard=$!
    wait "$process"
    code=$?
    kill "$guard" 2>/dev/null
    [ "$code" = 0 ] || { [ "$code" = 1 ] && grep -q "out of memory\|threads could not be started" err && [ ! -e x.wsic ]; }
    report $? "$kilobytes KiB of memory: the run ends" "exit code $code"
    [ "$code" = 0 ] || one_line "$kilobytes KiB of memory"
done
cp reference x.wsic

"$program" quantize --model "$data/tinylm" --tokens "$tokens" --rate 2 -o /dev/full >out 2>err
[ $? = 1 ]
report $? "a device is refused"
says err "/dev/full" "and named"

rm x.wsic reference older text
no_rest "stopped runs"
echo "1..$count"
