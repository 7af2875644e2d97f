#!/bin/sh
# SPDX-License-Identifier: MIT
# The program watersic: every command, its results, exit codes and messages.
# Usage: test_cli.sh WATERSIC CLI_DATA KEPT
set -u
# shellcheck source=tests/program.sh
. "$(dirname "$0")/program.sh"

data=$(absolute "$2")
kept=$(absolute "$3")
begin "$1"
"$data" make || exit 1

# --- the program itself ------------------------------------------------------

run 0 "--version" --version
says out "watersic " "--version prints the name"
run 0 "--help" --help
for command in quantize dequantize info report verify plan limit stats parameters; do
    run 0 "--help names $command" --help
    says out "  $command " "--help names $command"
    run 0 "$command --help" "$command" --help
    says out "Usage: watersic $command" "$command --help prints the usage"
    says out "--help" "$command --help prints the options"
    refused 2 "--no-such-option is no option" "$command --no-such-option" \
        "$command" --no-such-option
done
refused 2 "no command is given" "without a command"
refused 2 "'frobnicate' is no command" "an unknown command" frobnicate

# --- stats --------------------------------------------------------------------

run 0 "stats of two batches" stats --activations x1.npy x2.npy -o both.wstat
says out "256 columns, 1024 samples" "stats counts samples"
run 0 "stats of the first" stats -a x1.npy -o first.wstat
run 0 "stats of the second" stats -a x2.npy -o second.wstat
run 0 "stats --merge" stats --merge first.wstat second.wstat -o merged.wstat
says out "256 columns, 1024 samples" "merging adds the samples"
refused 2 "either --activations or --merge" "stats without input" stats -o a.wstat
refused 2 "--output is missing" "stats without output" stats -a x1.npy
refused 1 "no-such.npy: No such file" "stats of a missing file" stats -a no-such.npy -o a.wstat
refused 1 "narrow.npy: " "stats of batches of different width" \
    stats -a x1.npy narrow.npy -o a.wstat
refused 1 "nan.npy: " "stats of NaN" stats -a nan.npy -o a.wstat
refused 1 "w.npy: " "stats of a file of another kind" stats --merge first.wstat w.npy -o a.wstat
refused 1 "/dev/null: is there and not a regular file" "stats to a device" \
    stats -a x1.npy -o /dev/null
[ ! -e a.wstat ]
report $? "refused statistics leave no file"

# --- quantize -------------------------------------------------------------------

run 0 "quantize --json" quantize --weights w.npy --stats s.npy --rate 2 -o q.wsic --json
has_keys "quantize" rows columns rate_target rate bytes rate_codes rate_side entropy_pooled \
    distortion relative_distortion limit_rate gap damping dead_columns seconds stage_seconds \
    passes memory_peak status
cp out quantize.json
bytes=$(wc -c <q.wsic)
holds "$(value out bytes) == $bytes" "bytes is the size of the file"
holds "$(value out rate) == 8 * $bytes / 65536" "rate counts the bytes of the file"
holds "$(value out rate) < 2.01 && $(value out rate) > 1.99" "the file meets the rate"
holds "($(value out rate_codes) + $(value out rate_side) - $(value out rate)) ^ 2 < 1e-18" \
    "codes and side information add up to the rate"
holds "($(value out rate) - $(value out limit_rate) - $(value out gap)) ^ 2 < 1e-18" \
    "gap is rate less limit"
holds "$(value out gap) > 0" "no file is better than the limit"
holds "$(value out rows) == 256 && $(value out columns) == 256" "rows and columns"
[ ! -s err ]
report $? "no progress in a pipe"

run 0 "quantize from saved statistics" quantize -w w.npy -s both.wstat -r 2 -o q2.wsic --json
holds "($(value out distortion) / $(value quantize.json distortion) - 1) ^ 2 < 1e-4" \
    "statistics and their covariance give the same distortion"
run 0 "quantize from merged statistics" quantize -w w.npy -s merged.wstat -r 2 -o q3.wsic --json
holds "($(value out distortion) / $(value quantize.json distortion) - 1) ^ 2 < 1e-4" \
    "and so do merged statistics"
cp s.npy misnamed.wstat
run 0 "a covariance under another name" quantize -w w.npy -s misnamed.wstat -r 2 -o q4.wsic
cmp q.wsic q4.wsic >err 2>&1
report $? "equal inputs give equal bytes, whatever the names and samples"
run 0 "quantize on one thread" quantize -w w.npy -s s.npy -r 2 -o q5.wsic --threads 1
cmp q.wsic q5.wsic >err 2>&1
report $? "the number of threads does not change the bytes"

run 0 "quantize a tensor" quantize -w w.safetensors:layer:0.weight -s s.npy -r 3 -o t.wsic --json
says out '"name": "layer:0.weight"' "a layer has the name of its tensor"
refused 1 "w.safetensors: holds no tensor \"other\"" "a missing tensor" \
    quantize -w w.safetensors:other -s s.npy -r 2 -o a.wsic

run 0 "quantize for people" quantize -w w.npy -s s.npy -r 4 -o q6.wsic --name a.b --preset paper
says out "a.b, 256 x 256" "the layer has the name that was given"
says out "bits per weight" "rates have their unit"
run 0 "quantize --set" quantize -w w.npy -s s.npy -r 2 -o q7.wsic --set spacing=uniform \
    --set damping=1e-3 --json
run 0 "info of parameters" info q7.wsic
says out "spacing=uniform" "the archive knows its parameters"
says out "damping=0.001 " "all of them"
says out "rate=2 " "numbers are as they were given"

run 0 "quantize --distortion" quantize -w w.npy -s s.npy --distortion 0.0001 -o q8.wsic --json
holds "($(value out distortion) / 0.0001 - 1) ^ 2 < 0.0004" "the distortion is met"
[ "$(value out rate_target)" = null ]
report $? "without a rate there is no target"
run 0 "quantize --step" quantize -w w.npy -s s.npy --step 0.05 -o q9.wsic --json
holds "$(value out step) == 0.05" "the step is taken"

run 3 "a rate that cannot be reached" quantize -w tiny.npy -s s.npy -r 0.05 -o q10.wsic --json
[ -s q10.wsic ]
report $? "the file is there all the same"
says err "watersic: tiny.npy: " "and the reason is told"
says out '"status": "WSIC_NOTICE_RATE"' "and the JSON says so"

# --- quantize: what is refused -----------------------------------------------------

cp q.wsic kept.wsic
refused 2 "--weights is missing" "quantize without weights" quantize -s s.npy -r 2 -o a.wsic
refused 2 "--stats is missing" "quantize without statistics" quantize -w w.npy -r 2 -o a.wsic
refused 2 "--output is missing" "quantize without output" quantize -w w.npy -s s.npy -r 2
refused 2 "--output: the value is empty" "quantize with an empty output" quantize -w w.npy -s s.npy -r 2 -o ''
refused 2 "one of --rate" "quantize without target" quantize -w w.npy -s s.npy -o a.wsic
refused 2 "one of --rate" "quantize with two targets" \
    quantize -w w.npy -s s.npy -r 2 --step 0.1 -o a.wsic
refused 2 "--rate: 'two' is not a number" "a rate in words" \
    quantize -w w.npy -s s.npy -r two -o a.wsic
refused 2 "--rate: " "a rate out of range" quantize -w w.npy -s s.npy -r 99 -o a.wsic
refused 2 "--rate lacks a value" "a rate without value" quantize -w w.npy -s s.npy -o a.wsic --rate
refused 2 "'extra' is one argument too many" "an argument too many" \
    quantize extra -w w.npy -s s.npy -r 2 -o a.wsic
refused 2 "--preset: " "an unknown preset" quantize -w w.npy -s s.npy -r 2 -o a.wsic -p best
refused 2 "'damping' is not name=value" "a setting without value" \
    quantize -w w.npy -s s.npy -r 2 -o a.wsic --set damping
refused 2 "dampink=1" "an unknown parameter" \
    quantize -w w.npy -s s.npy -r 2 -o a.wsic --set dampink=1
refused 2 "--threads: 'many' is not a whole number" "threads in words" \
    quantize -w w.npy -s s.npy -r 2 -o a.wsic --threads many
refused 1 "no-such.npy: No such file" "missing weights" \
    quantize -w no-such.npy -s s.npy -r 2 -o a.wsic
refused 1 "no-such.npy: " "missing statistics" quantize -w w.npy -s no-such.npy -r 2 -o a.wsic
refused 1 "narrow.npy: " "weights of another width" \
    quantize -w narrow.npy -s s.npy -r 2 -o a.wsic
refused 1 "x1.npy: is 512 x 256" "a covariance that is not square" \
    quantize -w w.npy -s x1.npy -r 2 -o a.wsic
refused 1 "w.npy: " "a covariance that is not symmetric" quantize -w w.npy -s w.npy -r 2 -o a.wsic
refused 1 "a tensor of it has to be named" "a safetensors file without a tensor" \
    quantize -w w.safetensors -s s.npy -r 2 -o a.wsic
refused 1 "row 1, column 44" "weights with NaN" quantize -w nan.npy -s s.npy -r 2 -o q.wsic
cmp q.wsic kept.wsic >err 2>&1
report $? "a failure leaves the old file alone"
refused 1 "no/such/folder/a.wsic: " "an output that cannot be" \
    quantize -w w.npy -s s.npy -r 2 -o no/such/folder/a.wsic
refused 1 "/dev/null: is there and not a regular file" "an archive to a device" \
    quantize -w w.npy -s s.npy -r 2 -o /dev/null
head -c 100 w.npy >short.npy
refused 1 "short.npy: ends within" "weights that end early" \
    quantize -w short.npy -s s.npy -r 2 -o a.wsic
[ ! -e a.wsic ]
report $? "refused runs leave no file"
no_rest "quantize"

# --- an interrupt ---------------------------------------------------------------------

# The weights come from a pipe that stays open, so that the run certainly waits. In the
# background timeout would send the signal twice, and the second one can catch the leak check of
# a sanitizer at work, which then waits for ever.
mkfifo pipe.npy
exec 3<>pipe.npy
for signal in INT TERM; do
    timeout --foreground --preserve-status -s $signal 0.3 "$program" quantize -w pipe.npy -s s.npy -r 2 \
        -o a.wsic >out 2>err
    code=$?
    [ "$signal $code" = "INT 130" ] || [ "$signal $code" = "TERM 143" ]
    report $? "SIG$signal ends the program with 128 and its number" "exit code $code"
    [ ! -e a.wsic ]
    report $? "SIG$signal leaves no file"
done
exec 3>&-
no_rest "an interrupted run"

# --- dequantize -------------------------------------------------------------------------

run 0 "dequantize" dequantize q.wsic -o what.npy
error=$("$data" error w.npy what.npy)
holds "$error > 0 && $error < 0.5" "what comes back resembles the weights"
run 0 "dequantize to f8" dequantize q.wsic --dtype f8 -o what8.npy
[ "$("$data" error what.npy what8.npy)" = 0.000000000 ]
report $? "f8 holds the same numbers as f4"
run 0 "dequantize to f2" dequantize q.wsic --dtype f2 --layer w -o what2.npy
holds "$("$data" error what.npy what2.npy) < 1e-6" "f2 holds them rounded"
"$program" dequantize q.wsic -o /dev/stdout 2>err | cmp - what.npy >out 2>&1
report $? "dequantize into a pipe"
refused 1 "q.wsic: holds no layer \"x\"" "a missing layer" dequantize q.wsic --layer x -o a.npy
refused 2 "--dtype: 'i4' is not f2" "a type that is none" dequantize q.wsic --dtype i4 -o a.npy
refused 2 "no archive is given" "dequantize nothing" dequantize -o a.npy
refused 1 "w.npy: " "dequantize a file of another kind" dequantize w.npy -o a.npy
[ ! -e a.npy ]
report $? "a refused dequantize leaves no file"

# --- files of earlier versions ------------------------------------------------------------

# They are never written anew: what they held when they were made must still be in them.
run 0 "a kept archive" dequantize "$kept/v2.wsic" -o kept.npy
cmp kept.npy "$kept/v2.npy" >out 2>&1
report $? "a kept archive gives the weights that it gave then"
run 0 "kept statistics" stats --merge "$kept/v1.wstat" "$kept/v1.wstat" -o kept.wstat
says out "48 columns, 600 samples" "kept statistics are read"
no_rest "dequantize"

# --- info and verify -----------------------------------------------------------------------

run 0 "info" info q.wsic
says out "256 x 256" "info prints the shape"
says out "library" "info prints the metadata"
run 0 "info --json" info q.wsic --json
has_keys "info" rows columns rate_target rate bytes rate_codes rate_side entropy_pooled \
    distortion relative_distortion limit_rate gap damping dead_columns seconds layers metadata
for key in rows columns rate bytes rate_codes rate_side distortion limit_rate gap; do
    [ "$(value out $key)" = "$(value quantize.json $key)" ]
    report $? "info and quantize agree about $key" "$(value out $key)"
done
run 0 "verify" verify q.wsic
says out "q.wsic: whole, 1 layer in $bytes bytes" "verify counts"
refused 2 "no archive is given" "info of nothing" info
refused 1 "no-such.wsic: " "info of a missing file" info no-such.wsic
[ "$(grep -o no-such.wsic err | wc -l)" = 1 ]
report $? "a file is named once"
half=$((bytes / 2))
head -c $half q.wsic >cut.wsic
refused 1 "cut.wsic: " "verify a file that was cut" verify cut.wsic
{ head -c $half q.wsic && printf 'damage' && tail -c +$((half + 7)) q.wsic; } >damaged.wsic
refused 1 "damaged.wsic: " "verify a damaged file" verify damaged.wsic
refused 1 "damaged.wsic: " "info of a damaged file" info damaged.wsic

# --- plan, limit, parameters ------------------------------------------------------------------

run 0 "plan" plan --weights w.npy --stats s.npy --rate 2
says out "water level" "plan prints the water level"
run 0 "plan --json" plan -w w.npy -s s.npy -r 2 --json
has_keys "plan" rows columns rate step water_level distortion energy damping dead_columns median
holds "($(value out rate) - 2) ^ 2 < 1e-6" "the plan has the rate"
holds "($(value out step) ^ 2 / 12 / $(value out water_level) - 1) ^ 2 < 1e-12" \
    "the water level is the step squared over 12"
step=$(value out step)
run 0 "quantize at the planned step" quantize -w w.npy -s s.npy --step "$step" -o p.wsic --json
holds "($(value out rate_codes) - 2) ^ 2 < 0.01" "codes get the planned rate"
refused 2 "one of --rate and --distortion" "plan without target" plan -w w.npy -s s.npy

run 0 "limit of a rate" limit --stats s.npy --variance 0.01 --rate 2 --json
has_keys "limit" columns samples variance rate distortion water_level
distortion=$(value out distortion)
run 0 "limit of a distortion" limit --stats s.npy --variance 0.01 --distortion "$distortion" --json
holds "($(value out rate) - 2) ^ 2 < 1e-12" "both ways agree"
run 0 "limit for people" limit --stats both.wstat --variance 0.01 --rate 2
says out "water level" "limit prints the water level"
refused 2 "--variance is missing" "limit without variance" limit --stats s.npy --rate 2
refused 2 "one of --rate and --distortion" "limit without target" limit -s s.npy --variance 1
refused 2 "--distortion: 0 is not positive" "limit at distortion 0" \
    limit -s s.npy --variance 1 --distortion 0

run 0 "parameters" parameters
says out "damping_retries" "parameters lists names"
says out "waterfilling|uniform" "parameters lists choices"
run 0 "parameters --json" parameters --json
has_keys "parameters" id name summary minimum maximum default

if [ -e /dev/full ]; then
    "$program" parameters >/dev/full 2>err
    [ $? = 1 ]
    report $? "a full disk is a failure"
    says err "watersic: standard output: cannot be written: " "and is told"
fi

no_rest "all commands"
echo "1..$count"
