#!/bin/sh
# SPDX-License-Identifier: MIT
# The program watersic where users' reports point to: outputs that are inputs, files of another
# kind, numbers that do not fit, limits of the process, names.
# Usage: test_cli_faults.sh WATERSIC CLI_DATA
set -u
# shellcheck source=tests/program.sh
. "$(dirname "$0")/program.sh"

data=$(absolute "$2")
begin "$1"
"$data" make || exit 1
run 0 "an archive to work with" quantize -w w.npy -s s.npy -r 2 -o q.wsic

# --- an output that is an input ----------------------------------------------

# spared FILE OUTPUT INPUT NAME ARGUMENT... : refused, naming both; the file is as it was
spared()
{
    file=$1
    text="$2: is the file of the input $3: it would be lost"
    name=$4
    shift 4
    cp "$file" original
    refused 1 "$text" "$name" "$@"
    cmp -s "$file" original
    report $? "$name: the input is as it was"
}

mkdir folder
ln -s "$PWD/s.npy" folder/link.npy
ln -s folder/link.npy link2.npy
ln w.npy hard.npy
spared w.npy w.npy w.npy "weights as output" quantize -w w.npy -s s.npy -r 2 -o w.npy
spared w.npy folder/../w.npy w.npy "weights in another spelling" \
    quantize -w w.npy -s s.npy -r 2 -o folder/../w.npy
spared w.npy hard.npy w.npy "weights by another hard link" \
    quantize -w w.npy -s s.npy -r 2 -o hard.npy
spared w.safetensors w.safetensors w.safetensors "the checkpoint of the weights as output" \
    quantize -w w.safetensors:layer:0.weight -s s.npy -r 2 -o w.safetensors
spared s.npy s.npy s.npy "statistics as output" quantize -w w.npy -s s.npy -r 2 -o s.npy
spared s.npy s.npy link2.npy "statistics that were given as a link" \
    quantize -w w.npy -s link2.npy -r 2 -o s.npy
spared s.npy link2.npy s.npy "statistics behind two links" \
    quantize -w w.npy -s s.npy -r 2 -o link2.npy
spared q.wsic ./q.wsic q.wsic "the archive as output" dequantize q.wsic -o ./q.wsic
spared x2.npy x2.npy x2.npy "activations as output" stats -a x1.npy x2.npy -o x2.npy

run 0 "stats" stats -a x1.npy -o x1.wstat
cp x1.wstat again.wstat
run 0 "statistics may be merged into one of them" stats -m x1.wstat again.wstat -o x1.wstat
says out "256 columns, 1024 samples" "and nothing of them is lost"

# --- files of another kind -----------------------------------------------------

printf 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n' >pointer
printf '<!DOCTYPE html>\n<html><head>' >page
printf '\200\002}q\000(X\001\000\000\000aq\001K\001' >pickle
for kind in "pointer a Git LFS pointer" "page an HTML page" "pickle a pickle of Python"; do
    file=${kind%% *}
    kind=${kind#* }
    refused 1 "$file: is not a .npy file but $kind" "$kind as weights" \
        quantize -w "$file" -s s.npy -r 2 -o a.wsic
    refused 1 "$file: is not a .npy file but $kind" "$kind as activations" \
        stats -a "$file" -o a.wstat
    refused 1 "; it is $kind" "$kind as statistics" \
        quantize -w w.npy -s "$file" -r 2 -o a.wsic
    refused 1 "; it is $kind" "$kind as an archive" info "$file"
done
refused 1 "not an archive: the magic is missing; it is a .npy file" "an array as an archive" \
    verify w.npy
refused 1 "is not a .npy file but an archive of watersic" "an archive as weights" \
    quantize -w q.wsic -s s.npy -r 2 -o a.wsic

# --- names -----------------------------------------------------------------------

latin=$(printf 'w\351.npy')
if cp w.npy "$latin" 2>/dev/null; then
    refused 1 "$latin: the name is not UTF-8" "weights whose name is not UTF-8" \
        quantize -w "$latin" -s s.npy -r 2 -o a.wsic
    run 0 "the same with a name" quantize -w "$latin" -s s.npy -r 2 -o q2.wsic -n w
    cmp -s q.wsic q2.wsic
    report $? "gives the same archive"
else
    skip "a name that is not UTF-8" "this file system has none"
fi
refused 1 "--name: '$latin' is not UTF-8" "a name of the layer that is not UTF-8" \
    quantize -w w.npy -s s.npy -r 2 -o a.wsic -n "$latin"

long=$(printf '%0251d' 0).npy
run 0 "an output name of 255 bytes" dequantize q.wsic -o "$long"
[ -s "$long" ]
report $? "is written"

# --- arrays ------------------------------------------------------------------------

# array DTYPE SHAPE : the numbers of x1.npy under another header
array()
{
    printf '\223NUMPY\001\000\166\000'
    printf '%-117s\n' "{'descr': '$1', 'fortran_order': False, 'shape': $2, }"
    tail -c +129 x1.npy
}
array '<f4' '(2, 256, 256)' >batches.npy
array '<f4' '(512L, 256L)' >python2.npy
array '<i4' '(512, 256)' >integers.npy
run 0 "stats of one file" stats -a x1.npy -o one.wstat
for file in batches python2; do
    run 0 "stats of $file" stats -a $file.npy -o $file.wstat
    cmp -s one.wstat $file.wstat
    report $? "$file: the same statistics as of 512 x 256"
done
refused 1 "batches.npy: has 3 dimensions, where a matrix has 2" "weights of three dimensions" \
    quantize -w batches.npy -s s.npy -r 2 -o a.wsic
refused 1 "batches.npy: has 3 dimensions" "a covariance of three dimensions" \
    quantize -w w.npy -s batches.npy -r 2 -o a.wsic
refused 1 "integers.npy: holds integers (i4)" "integer activations" stats -a integers.npy -o a.wstat
refused 1 "integers.npy: holds integers (i4)" "integer weights" \
    quantize -w integers.npy -s s.npy -r 2 -o a.wsic

# --- numbers that do not fit -----------------------------------------------------------

run 0 "weights of up to 1e6" quantize -w large.npy -s s.npy --step 1000 -o large.wsic
refused 1 "beyond the range of F16; F32 holds it (--dtype f4)" "large weights to f2" \
    dequantize large.wsic -d f2 -o a.npy
says err "large.wsic: weight (" "the weight is named"
run 0 "large weights to f4" dequantize large.wsic -d f4 -o large4.npy

# --- limits of the process ------------------------------------------------------------

# limited NAME ARGUMENT... : in a process whose files may have 20 blocks
limited()
{
    name=$1
    shift
    (
        ulimit -f 20
        "$program" "$@" >out 2>err </dev/null
    )
    code=$?
    [ $code = 1 ] && [ "$(wc -l <err)" = 1 ]
    report $? "$name: exit code 1 and one line" "exit code $code"
    says err "File too large" "$name: the reason is told"
}
limited "an archive beyond the limit of files" quantize -w w.npy -s s.npy -r 6 -o a.wsic
limited "an array beyond it" dequantize q.wsic -o a.npy
limited "statistics beyond it" stats -a x1.npy -o a.wstat

# A shell that was started with SIGHUP ignored, as nohup does, cannot give it back to the program.
if { sh -c 'kill -HUP $$'; } 2>/dev/null; then
    skip "SIGHUP" "it is ignored here"
else
    mkfifo pipe.npy
    exec 3<>pipe.npy
    timeout --foreground --preserve-status -s HUP 0.5 "$program" quantize -w pipe.npy -s s.npy \
        -r 2 -o a.wsic >out 2>err
    code=$?
    [ $code = 129 ] && [ "$(wc -l <err)" = 1 ]
    report $? "SIGHUP: exit code 129 and one line" "exit code $code"
    exec 3>&-
fi

# in_150_mb COMMAND... : with so much address space; not of POSIX, but known to most shells
in_150_mb()
{
    (
        # shellcheck disable=SC3045
        ulimit -v 150000 || exit 126
        exec "$@"
    )
}

# Where this is not enough to start, as with a tool that watches memory, there is nothing to see.
if in_150_mb "$program" --version >/dev/null 2>&1; then
    in_150_mb timeout 60 env OPENBLAS_NUM_THREADS=8 "$program" quantize -w w.npy -s s.npy -r 2 \
        -t 8 -o a.wsic >out 2>err
    code=$?
    [ $code = 1 ] && [ "$(wc -l <err)" = 1 ] && grep -q "memory" err
    report $? "150 MB of address space: a message and an end" "exit code $code"
    in_150_mb "$program" verify q.wsic >out 2>err
    report $? "150 MB of address space: enough to decode"
else
    skip "150 MB of address space" "not enough to start"
fi

[ ! -e a.wsic ] && [ ! -e a.npy ] && [ ! -e a.wstat ]
report $? "what was refused leaves no file"
no_rest "all of this"
echo "1..$count"
