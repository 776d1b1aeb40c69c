# bash completion of pyvrrpd. Made by conf/make.py.
_pyvrrpd() {
    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
    case $before in
    -f|--use-file|-g|--log-file|-p|--pid|-r|--vrrp_pid|-c|--checkers_pid|-b|--bfd_pid|-t|--config-test|--record) COMPREPLY=($(compgen -f -- "$current")) ;;
    *) COMPREPLY=($(compgen -W "--use-file --vrrp --check --no_bfd --all --log-console --log-detail --log-facility --log-file --flush-log-file --no-syslog --umask --release-vips --dont-release-vrrp --dont-release-ipvs --dont-respawn --dont-fork --dump-conf --pid --vrrp_pid --checkers_pid --bfd_pid --address-monitoring --namespace --core-dump --core-dump-pattern --all-config --config-id --snmp --snmp-agent-socket --config-test --config-fd --record --ignore-sigint --signum --genhash --version --help" -- "$current")) ;;
    esac
}
complete -o default -F _pyvrrpd pyvrrpd
