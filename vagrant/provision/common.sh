#!/bin/sh
# Shared by director.sh, real-server.sh and client.sh; changes nothing by itself.
# shellcheck disable=SC2034  # used by those that read this file

here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)
export DEBIAN_FRONTEND=noninteractive PATH="$PATH:/usr/sbin:/sbin"

say() { echo "provision: $*"; }
die() { echo "provision: $*" >&2; exit 1; }

[ "$(id -u)" = 0 ] || die "only root may do this: sudo $0 ..."

# need PROGRAM=PACKAGE...: install the packages of those programs that are missing.
need() {
    missing=
    for pair in "$@"; do
        command -v "${pair%%=*}" >/dev/null || missing="$missing ${pair#*=}"
    done
    [ -z "$missing" ] && return
    say "installing$missing"
    apt-get -qq update
    # shellcheck disable=SC2086  # several
    apt-get -qq -y --no-install-recommends install $missing >/dev/null
}

# device NAME-OR-MAC: the name of that network device.
device() {
    [ -e "/sys/class/net/$1" ] && { echo "$1"; return; }
    wanted=$(echo "$1" | tr 'A-Z-' 'a-z:')
    for path in /sys/class/net/*; do
        # A bond wears the address of one of its members.
        [ -e "$path/bonding" ] && continue
        # A member may wear another one while it is in the bond: its own stands in bonding_slave.
        for file in "$path/bonding_slave/perm_hwaddr" "$path/address"; do
            [ -r "$file" ] && [ "$(cat "$file")" = "$wanted" ] && { basename "$path"; return; }
        done
    done
    die "no network device $1; there are: $(cd /sys/class/net && echo *)"
}

# put FILE: standard input becomes the file; says so, and keeps what somebody else wrote there.
put() {
    new=$(mktemp)
    cat >"$new"
    if [ -e "$1" ] && cmp -s "$new" "$1"; then
        rm "$new"
        return 1
    fi
    if [ -e "$1" ] && [ ! -e "$1.before-pyvrrp" ]; then
        cp -p "$1" "$1.before-pyvrrp"
        say "$1 (what was there is now $1.before-pyvrrp)"
    else
        say "$1"
    fi
    mkdir -p "$(dirname "$1")"
    chmod "${2:-0644}" "$new"
    mv "$new" "$1"
}

has_systemd() { [ -d /run/systemd/system ]; }

# address DEVICE ADDRESS/LENGTH: now; after the next boot `keep_address` sees to it.
address() {
    ip link set "$1" up
    ip -4 -o address show dev "$1" | grep -qF " $2 " || ip address add "$2" dev "$1"
}

# keep_address DEVICE ADDRESS/LENGTH [GATEWAY]: for the next boots, with whatever sets up this machine's network.
keep_address() {
    if has_systemd && systemctl is-enabled -q systemd-networkd 2>/dev/null; then
        put "/etc/systemd/network/20-pyvrrp-$1.network" <<END || :
[Match]
Name=$1

[Network]
Address=$2
${3:+Gateway=$3}
# The virtual addresses, routes and rules are pyvrrpd's.
KeepConfiguration=yes
END
    else
        put "/etc/network/interfaces.d/pyvrrp-$1" <<END || :
auto $1
iface $1 inet static
    address $2
${3:+    gateway $3}
END
    fi
}
