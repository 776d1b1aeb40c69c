#!/bin/sh
# Make this Debian or Ubuntu machine the client of the lab.
#
#     client.sh --device DEVICE --address A/L
#
# DEVICE is a name or a hardware address. It may be run again. What it changes:
#
#   packages       python3, iproute2, where missing
#   device         the address; kept by systemd-networkd or ifupdown, whichever runs here
#   /usr/local/lib/pyvrrp-lab/traffic.py    the program that makes connections; nothing is started
set -eu
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

interface='' own=''
while [ $# -gt 0 ]; do
    [ $# -gt 1 ] || die "$1 wants a value"
    case $1 in
    --device) interface=$2 ;;
    --address) own=$2 ;;
    *) die "unknown option $1; see the head of $0" ;;
    esac
    shift 2
done
{ [ -n "$interface" ] && [ -n "$own" ]; } || die "something is missing; see the head of $0"

need python3=python3 ip=iproute2
outside=$(device "$interface")
address "$outside" "$own"
keep_address "$outside" "$own"
put /usr/local/lib/pyvrrp-lab/traffic.py <"$source/examples/lab/traffic.py" || :
say "the client is ${own%/*}"
