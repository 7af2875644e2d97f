#!/bin/sh
# SPDX-License-Identifier: MIT
# A program on two hosts: network namespaces with names and addresses of their own, joined by a cable. Every
# byte between them goes through TCP. The bytes that it writes to "out" are those of a single process.
# It needs root and ip netns; without them there is nothing to test (77).
# Usage: two_hosts.sh MPIRUN PREPARATION PROGRAM ARGUMENT...
# The preparation is a line for the shell, which makes what is needed in the folder above the program's.
set -eu

mpirun=$1
preparation=$2
program=$(realpath "$3")
shift 3
first=watersic1.$$
second=watersic2.$$
network=10.199.77

skip()
{
    echo "$1"
    exit 77
}

[ "$(id -u)" = 0 ] || skip "only root can make network namespaces"
command -v ip >/dev/null || skip "ip was not found"
ip netns add "$first" 2>/dev/null || skip "network namespaces are not allowed"
work=$(mktemp -d)
trap 'ip netns del "$first"; ip netns del "$second" 2>/dev/null; rm -rf "$work"' EXIT
ip netns add "$second"
ip link add "ws1.$$" netns "$first" type veth peer name "ws2.$$" netns "$second" 2>/dev/null ||
    skip "the system has no virtual cables (veth)"
# join NAMESPACE NUMBER: give a host its address
join()
{
    ip -n "$1" address add "$network.$2/24" dev "ws$2.$$"
    ip -n "$1" link set "ws$2.$$" up
    ip -n "$1" link set lo up
}
join "$first" 1
join "$second" 2

# mpirun starts its daemon on the other host by this in place of ssh: HOST COMMAND...
cat >"$work/agent" <<AGENT
#!/bin/sh
shift
exec ip netns exec $second unshare --uts sh -c 'hostname watersic2; exec sh -c "\$*"' sh "\$@"
AGENT
chmod +x "$work/agent"

OMPI_ALLOW_RUN_AS_ROOT=1
OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
OMPI_MCA_mpi_yield_when_idle=1
OPENBLAS_NUM_THREADS=1
TMPDIR=$work
export OMPI_ALLOW_RUN_AS_ROOT OMPI_ALLOW_RUN_AS_ROOT_CONFIRM OMPI_MCA_mpi_yield_when_idle OPENBLAS_NUM_THREADS \
    TMPDIR
cd "$work"
sh -c "$preparation"
mkdir one two
cd one
"$program" "$@"
cd ../two
ip netns exec "$first" unshare --uts sh -c 'hostname watersic1; exec "$@"' sh \
    "$mpirun" --oversubscribe --host "$network.1:2,$network.2:2" --map-by node -n 4 \
    -x OPENBLAS_NUM_THREADS -x TMPDIR \
    --mca plm_rsh_agent "$work/agent" --mca btl self,tcp \
    --mca btl_tcp_if_include "$network.0/24" --mca oob_tcp_if_include "$network.0/24" \
    sh -c 'hostname >>../hosts; exec "$@"' sh "$program" "$@"
cd ..
[ "$(sort -u hosts | wc -l)" = 2 ] || { echo "the ranks were on these hosts:" && cat hosts && exit 1; }
cmp one/out two/out
