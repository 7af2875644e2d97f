#!/bin/sh
# SPDX-License-Identifier: MIT
# The hook for PyTorch (examples/llm/hook.py): what it writes is what the pass of the program has, and
# the program takes it. Skipped without PyTorch.
# Usage: test_hook.sh WATERSIC_LLM HOOK FAMILIES
set -u
# shellcheck source=tests/program.sh
. "$(dirname "$0")/program.sh"

hook=$(absolute "$2")
families=$(absolute "$3")
scripts=$(cd "$(dirname "$0")/families" && pwd)
python=
for candidate in python3 /usr/bin/python3; do
    if [ -z "$python" ] && "$candidate" -c 'import numpy, torch' 2>/dev/null; then
        python=$candidate
    fi
done
if [ -z "$python" ]; then
    echo "1..0 # SKIP no python3 that has NumPy and PyTorch"
    exit 0
fi
begin "$1"

mkdir statistics
# The files that test_llm_families compares with the program's own statistics are among them.
PYTHONDONTWRITEBYTECODE=1 "$python" "$scripts/hook_run.py" "$hook" "$families/gemma2" statistics >out 2>err
report $? "the hook runs, and writes the covariances that the tests have" "$(cat err)"
says out '21 covariances written, 2 of them compared' "all linear layers are watched"
run 0 "quantize takes them" quantize --model "$families/gemma2" --tensors '*_proj.weight' \
    --statistics statistics --rate 8 --preset fast -o hooked.wsic
rm statistics/model.layers.1.mlp.up_proj.covariance.npy
refused 1 'no statistics of "model.layers.1.mlp.up_proj.weight"' "a layer that the hook has not seen" \
    quantize --model "$families/gemma2" --tensors '*_proj.weight' --statistics statistics \
    --rate 8 --preset fast -o missing.wsic

echo "1..$count"
