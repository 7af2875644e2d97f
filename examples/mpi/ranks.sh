# shellcheck shell=sh
# SPDX-License-Identifier: MIT
# What the tests of programs on many ranks share. The caller sets program and mpirun.

# Ranks share processors and do not wait in busy loops; root may start them.
OMPI_ALLOW_RUN_AS_ROOT=1
OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
OMPI_MCA_mpi_yield_when_idle=1
OMPI_MCA_btl=self,vader
OPENBLAS_NUM_THREADS=1
export OMPI_ALLOW_RUN_AS_ROOT OMPI_ALLOW_RUN_AS_ROOT_CONFIRM OMPI_MCA_mpi_yield_when_idle OMPI_MCA_btl \
    OPENBLAS_NUM_THREADS

# ranks NUMBER ARGUMENT... : a run; of one rank without mpirun, which takes its time
ranks()
{
    number=$1
    shift
    if [ "$number" = 1 ]; then
        "${program:?}" "$@"
        return
    fi
    "${mpirun:?}" --oversubscribe -n "$number" "$program" "$@"
}

# refused RANKS PART ARGUMENT... : the run fails with a message that has this part
refused()
{
    wanted=$1
    part=$2
    shift 2
    if ranks "$wanted" "$@" >out 2>&1; then
        echo "the run has not failed"
        return 1
    fi
    cat out
    grep -qF -- "$part" out
}

# kill_one FILE BYTES ARGUMENT... : run on 3 ranks until a file is larger than that, and kill one of them
kill_one()
{
    file=$1
    bytes=$2
    shift 2
    "$mpirun" --oversubscribe -n 3 "$program" "$@" >out 2>&1 &
    run=$!
    until [ "$(wc -c <"$file" 2>/dev/null || echo 0)" -gt "$bytes" ]; do
        kill -0 $run 2>/dev/null || break
        sleep 0.01
    done
    # Its last child is a rank that makes layers.
    read -r children <"/proc/$run/task/$run/children"
    kill -9 "${children##* }"
    ! wait $run
}

nothing_left()
{
    for file in "$@"; do
        [ ! -e "$file" ] || { ls -d "$file" && return 1; }
    done
}
