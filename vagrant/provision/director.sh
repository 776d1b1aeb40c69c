#!/bin/sh
# Make this Debian or Ubuntu machine a director: pyvrrpd as a systemd service, with the configuration you give it.
#
#     director.sh --public DEVICE[,DEVICE] --public-address A/L --private DEVICE --private-address A/L --config FILE
#                 [--firewall yes|no] [--venv DIR] [--start yes|no]
#
# A DEVICE is a name or a hardware address. Two public ones are joined as bond1 (active-backup). It may be run again: what is
# as it should be is left alone. What it changes:
#
#   packages       python3-venv, ipvsadm, kmod, iproute2, procps, where missing
#   devices        bond1, the two addresses; kept by systemd-networkd or ifupdown, whichever runs here
#   /etc/sysctl.d/60-pyvrrp.conf, /etc/modules-load.d/pyvrrp.conf     net.ipv4.ip_forward; ip_vs, bonding
#   firewall       where an nftables or iptables input chain drops: openings for VRRP, IGMP and 224.0.0.18
#   group pyvrrp   made; who is in it may ask the daemon: usermod -aG pyvrrp YOU
#   /opt/pyvrrp    (--venv) a virtual environment with this checkout; pyvrrp and pyvrrpd in /usr/bin lead there
#   /etc/keepalived/keepalived.conf       what was there is kept beside it as keepalived.conf.before-pyvrrp
#   /etc/systemd/system/pyvrrp.service    enabled and started, or reloaded; restarted, so that its addresses move to the other
#                  director, only where this file or the program is another one; keepalived.service is stopped and disabled
#
# At the end it checks the configuration and shows what the daemon says. Exit status 0 if it runs.
set -eu
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

public='' public_address='' private='' private_address='' config='' firewall=yes venv=/opt/pyvrrp start=yes
while [ $# -gt 0 ]; do
    [ $# -gt 1 ] || die "$1 wants a value"
    case $1 in
    --public) public=$2 ;;
    --public-address) public_address=$2 ;;
    --private) private=$2 ;;
    --private-address) private_address=$2 ;;
    --config) config=$2 ;;
    --firewall) firewall=$2 ;;
    --venv) venv=$2 ;;
    --start) start=$2 ;;
    *) die "unknown option $1; see the head of $0" ;;
    esac
    shift 2
done
for name in public public_address private private_address config; do
    eval "[ -n \"\$$name\" ]" || die "--$(echo "$name" | tr _ -) is missing; see the head of $0"
done
[ -r "$config" ] || die "there is no $config"

need ip=iproute2 ipvsadm=ipvsadm modprobe=kmod sysctl=procps

# ---- kernel

{ cat "$source/conf/modules-load.d/pyvrrp.conf"; echo "bonding"; } | put /etc/modules-load.d/pyvrrp.conf || :
# max_bonds: loaded by itself, the module makes a bond0 that nobody wants.
echo "options bonding max_bonds=0" | put /etc/modprobe.d/pyvrrp-bonding.conf || :
for module in ip_vs bonding; do
    [ -d "/sys/module/$module" ] || modprobe "$module" || say "$module: this kernel has no such module"
done
put /etc/sysctl.d/60-pyvrrp.conf <"$source/conf/sysctl.d/60-pyvrrp.conf" || :
sysctl -q -p /etc/sysctl.d/60-pyvrrp.conf

# ---- devices

first=$(device "${public%%,*}")
if [ "$public" != "${public%%,*}" ]; then
    second=$(device "${public#*,}")
    if [ ! -e /sys/class/net/bond1 ]; then
        say "bond1 of $first and $second"
        ip link add bond1 type bond mode active-backup miimon 100
    fi
    for member in "$first" "$second"; do
        grep -qw "$member" /sys/class/net/bond1/bonding/slaves && continue
        ip link set "$member" down
        ip address flush dev "$member"
        ip link set "$member" master bond1
    done
    outside=bond1
    if has_systemd && systemctl is-enabled -q systemd-networkd 2>/dev/null; then
        printf '[NetDev]\nName=bond1\nKind=bond\n\n[Bond]\nMode=active-backup\nMIIMonitorSec=100ms\n' |
            put /etc/systemd/network/10-pyvrrp-bond1.netdev || :
        printf '[Match]\nName=%s %s\n\n[Network]\nBond=bond1\n' "$first" "$second" |
            put /etc/systemd/network/10-pyvrrp-members.network || :
        keep_address bond1 "$public_address"
    else
        ! command -v ifup >/dev/null || need /etc/network/if-pre-up.d/ifenslave=ifenslave
        put /etc/network/interfaces.d/pyvrrp-bond1 <<END || :
auto bond1
iface bond1 inet static
    address $public_address
    bond-slaves $first $second
    bond-mode active-backup
    bond-miimon 100
END
    fi
else
    outside=$first
    keep_address "$outside" "$public_address"
fi
inside=$(device "$private")
address "$outside" "$public_address"
address "$inside" "$private_address"
keep_address "$inside" "$private_address"

# ---- firewall

# open_nft CHAIN...: our rules in front of that chain's, once.
open_nft() {
    nft list chain "$@" | grep -q 'comment "VRRP"' && return
    say "nftables: openings for VRRP in chain $*"
    grep -v '^#' "$source/conf/firewall/pyvrrp.nft" | tac | while read -r rule; do
        [ -z "$rule" ] || nft insert rule "$@" "$rule"
    done
    put /etc/nftables.d/pyvrrp.nft <"$source/conf/firewall/pyvrrp.nft" || :
    say "nftables: to keep them, include /etc/nftables.d/pyvrrp.nft in chain $* of your ruleset"
}
if [ "$firewall" = yes ] && command -v nft >/dev/null && nft list chain inet filter input >/dev/null 2>&1; then
    open_nft inet filter input
elif [ "$firewall" = yes ] && command -v iptables >/dev/null && iptables -S INPUT 2>/dev/null | grep -qE 'DROP|REJECT'; then
    if ! iptables -C INPUT -p 112 -m comment --comment VRRP -j ACCEPT 2>/dev/null; then
        say "iptables: openings for VRRP in chain INPUT (iptables-save keeps them)"
        iptables-restore --noflush <"$source/conf/firewall/pyvrrp.rules.v4"
    fi
fi

# ---- pyvrrp

newer=$(find "$source/pyvrrp" "$source/pyproject.toml" -type f -newer "$venv/.provisioned" 2>/dev/null | head -n 1)
if [ ! -x "$venv/bin/pyvrrpd" ] || { [ -e "$venv/.provisioned" ] && [ -n "$newer" ]; }; then
    need python3=python3
    python3 -c 'import ensurepip, venv' 2>/dev/null || { apt-get -qq update; apt-get -qq -y install python3-venv >/dev/null; }
    say "installing pyvrrp into $venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --upgrade "$source"
    touch "$venv/.provisioned"
fi
getent group pyvrrp >/dev/null || groupadd --system pyvrrp
ln -sf "$venv/bin/pyvrrp" "$venv/bin/pyvrrpd" /usr/bin/

put /etc/keepalived/keepalived.conf 0600 <"$config" || :
pyvrrp check || [ $? -lt 2 ] || say "see above: the daemon does not act on all of it"

# ---- service

changed=no
# A daemon older than the program was started from what was there before.
[ -z "$(find "$venv/.provisioned" -newer /run/keepalived.pid 2>/dev/null)" ] || changed=yes
if has_systemd; then
    # An enabled one would start with the next boot, now that there is a configuration.
    if systemctl is-active -q keepalived 2>/dev/null || systemctl is-enabled -q keepalived 2>/dev/null; then
        say "keepalived is stopped and disabled"
        systemctl disable -q --now keepalived
    fi
    ! put /etc/systemd/system/pyvrrp.service <"$source/conf/pyvrrp.service" || changed=yes
    systemctl daemon-reload
    systemctl enable -q pyvrrp
fi
if [ "$start" = yes ]; then
    if has_systemd; then
        # What is read anew needs no restart; only a changed unit or program does.
        if [ $changed = yes ]; then systemctl restart pyvrrp; else systemctl reload-or-restart pyvrrp; fi
    elif [ -r /run/keepalived.pid ] && kill -0 "$(cat /run/keepalived.pid)" 2>/dev/null; then
        kill -HUP "$(cat /run/keepalived.pid)"
    else
        pyvrrpd -D
    fi
    pyvrrp show
fi
