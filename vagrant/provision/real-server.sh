#!/bin/sh
# Make this Debian or Ubuntu machine a real server of the lab: a small TCP service that answers with its name.
#
#     real-server.sh --name NAME --device DEVICE --address A/L --gateway ADDRESS [--port 15000]
#
# DEVICE is a name or a hardware address. GATEWAY is the directors' private virtual address: under NAT the answers must go
# back through the master. It may be run again. What it changes:
#
#   packages       python3, iproute2, where missing
#   device         the address and the default route; kept by systemd-networkd or ifupdown, whichever runs here
#   /usr/local/lib/pyvrrp-lab/traffic.py, /etc/systemd/system/pyvrrp-lab-server.service    the service, started
set -eu
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

name='' port=15000 interface='' own='' gateway=''
while [ $# -gt 0 ]; do
    [ $# -gt 1 ] || die "$1 wants a value"
    case $1 in
    --name) name=$2 ;;
    --device) interface=$2 ;;
    --address) own=$2 ;;
    --gateway) gateway=$2 ;;
    --port) port=$2 ;;
    *) die "unknown option $1; see the head of $0" ;;
    esac
    shift 2
done
for word in name interface own gateway; do
    eval "[ -n \"\$$word\" ]" || die "something is missing; see the head of $0"
done

need python3=python3 ip=iproute2
inside=$(device "$interface")
address "$inside" "$own"
ip route replace default via "$gateway" dev "$inside"
keep_address "$inside" "$own" "$gateway"

put /usr/local/lib/pyvrrp-lab/traffic.py <"$source/examples/lab/traffic.py" || :
server="/usr/bin/env python3 -I -S /usr/local/lib/pyvrrp-lab/traffic.py server $name $port"
if has_systemd; then
    changed=no
    ! put /etc/systemd/system/pyvrrp-lab-server.service <<END || changed=yes
[Unit]
Description=Answers each connection to port $port with "$name" (pyvrrp's lab)
After=network.target

[Service]
ExecStart=$server
Restart=always
DynamicUser=yes

[Install]
WantedBy=multi-user.target
END
    [ $changed = no ] || systemctl daemon-reload
    systemctl enable -q --now pyvrrp-lab-server
    [ $changed = no ] || systemctl restart pyvrrp-lab-server
elif ! pgrep -f "traffic.py server $name $port" >/dev/null; then
    # shellcheck disable=SC2086  # a command with its arguments
    setsid $server </dev/null >/dev/null 2>&1 &
fi
say "$name answers at ${own%/*}:$port"
