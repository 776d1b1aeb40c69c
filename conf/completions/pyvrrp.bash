# Made by conf/make.py.
_pyvrrp_completion() {
    local IFS=$'
'
    COMPREPLY=( $( env COMP_WORDS="${COMP_WORDS[*]}" \
                   COMP_CWORD=$COMP_CWORD \
                   _PYVRRP_COMPLETE=complete_bash $1 ) )
    return 0
}

complete -o default -F _pyvrrp_completion pyvrrp
