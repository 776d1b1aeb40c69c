"""Keywords of virtual servers, real servers and their checks."""

TABLE = """
[SSL]
password | !word | unset | active | passphrase handed to OpenSSL when it opens the key file
ca | !word | unset | active | CA bundle loaded into the context
certificate | !word | unset | active | client certificate chain; load failure is fatal for the checker process
key | !word | unset | active | client private key; load failure is fatal

[virtual_server]
ip_family | enum inet,inet6 | from address, else from servers, else inet | active | family for a fwmark service
retry | uint= 1.. | the checker's | active | default extra attempts before a live checker is declared failed
delay_before_retry | secs 0.. | the checker's | active | default pause between attempts of a failing check
warmup | secs 0.. | delay_loop | active | upper bound of the random delay before a checker first runs
connect_timeout | secs 0.000001..4294.967295 | 5 s | active | default time limit for checker connections and reads
delay_loop | secs 0.000001.. | 60 s | active | default interval between checks
inhibit_on_failure | flag | off | active | default for real servers: failed server stays in IPVS with weight 0
lb_algo | word | wlc | active | IPVS scheduler
lvs_sched | word | wlc | active | IPVS scheduler
hashed | flag | - | active | accepted word, sets nothing
ops | flag | off | active | one-packet scheduling; cleared with an error on an address service that is not UDP
flag-1 | flag | off | active | scheduler flag 1
flag-2 | flag | off | active | scheduler flag 2
flag-3 | flag | off | active | scheduler flag 3
sh-port | flag | off | active | include the source port in the sh hash
sh-fallback | flag | off | active | sh picks another server when the hashed one has weight 0
mh-port | flag | off | active | include the source port in the mh hash
mh-fallback | flag | off | active | mh picks another server when the hashed one is unusable
lb_kind | words1 | NAT | active | NAT, DR, or TUN [type ipip, gue or gre] [port N] [nocsum, csum or remcsum]
lvs_method | words1 | NAT | active | same as lb_kind
persistence_engine | word | unset | active | IPVS persistence engine; only sent when persistence is on
persistence_timeout | ?uint= 1..2678400 | off; bare: 360 | active | makes the service persistent for this long
persistence_granularity | word | host mask | active | client mask for persistence
protocol | word | UDP | active | layer 4 protocol of the service
ha_suspend | flag | off | active | suspend the checkers while the VIP is not on this host; refused with fwmarks
smtp_alert | bool | smtp_alert_checker | active | mail on quorum up/down
virtualhost | !word | unset | active | default Host header (and SNI name) for HTTP_GET/SSL_GET
snmp_name | !word1 | unset | snmp | label exported over SNMP
alpha | flag | off | active | default for real servers: checkers start as failed
omega | flag | off | active; set | run the down notifiers at stop
quorum_up | command | unset | active; once | command run when quorum is gained; no extra arguments
quorum_down | command | unset | active; once | command run when quorum is lost; no extra arguments
quorum | uint 1.. | 1 | active | total live weight needed; lowered to the sum of configured weights if above it
hysteresis | uint 0.. | 0 | active | added to quorum to gain it, subtracted to lose it
weight | uint 1..2147483647 | 1 | active | default weight of the real servers
sorry_server | words1 | none | active | server used alone when quorum is lost; a second one replaces the first
sorry_server_inhibit | flag | off | active | keep the sorry server in IPVS at weight 0 when not needed
sorry_server_lvs_method | !words | that of the virtual server | active | forwarding method of the sorry server
real_server | block virtual_server/real_server ADDRESS | - | active | pool member

[virtual_server/real_server]
weight | uint 0..2147483647 | weight of the virtual server (1) | active | configured (initial) weight
lvs_method | words1 | from the virtual server | active | forwarding method of this server
uthreshold | uint 0.. | 0 (none) | active | upper connection limit passed to IPVS
lthreshold | uint 0.. | 0 (none) | active | lower connection limit passed to IPVS
inhibit_on_failure | bool | from the virtual server | active | keep in IPVS at weight 0 when failed
notify_up | command | unset | active; once | command run when the server comes up; no extra arguments
notify_down | command | unset | active; once | command run when the server goes down; no extra arguments
alpha | bool | from the virtual server | active | default for its checkers
retry | uint= 1.. | from the virtual server | active | default for its checkers
delay_before_retry | secs 0.. | from the virtual server | active | default for its checkers
warmup | secs 0.. | from the virtual server | active | default for its checkers
connect_timeout | secs 0.000001..4294.967295 | from the virtual server (5) | active | default for its checkers
delay_loop | secs 0.000001.. | from the virtual server (60) | active | default for its checkers
smtp_alert | bool | smtp_alert_checker | active | mail on checker/server transitions
virtualhost | !word | unset | active | default Host header for its HTTP checkers
snmp_name | !word1 | unset | snmp | label exported over SNMP
TCP_CHECK | block virtual_server/real_server/TCP_CHECK | - | active | TCP connect probe
PING_CHECK | block virtual_server/real_server/PING_CHECK | - | active | ICMP / ICMPv6 echo probe
UDP_CHECK | block virtual_server/real_server/UDP_CHECK | - | active | UDP datagram probe
HTTP_GET | block virtual_server/real_server/HTTP_GET | - | active; needs url | HTTP GET probe
SSL_GET | block virtual_server/real_server/SSL_GET | - | active; needs url | HTTPS GET probe
SMTP_CHECK | block virtual_server/real_server/SMTP_CHECK | - | active | SMTP greeting/HELO/QUIT probe
DNS_CHECK | block virtual_server/real_server/DNS_CHECK | - | active | DNS query probe over UDP
MISC_CHECK | block virtual_server/real_server/MISC_CHECK | - | active; needs misc_path | run a program
FILE_CHECK | block virtual_server/real_server/FILE_CHECK | - | active; needs track_file | follow a tracked file
BFD_CHECK | block virtual_server/real_server/BFD_CHECK | - | check; needs name | follow a BFD session

[connection]
connect_ip | ip | address of the real server | active | address to probe
connect_port | uint 1..65535 | port of the real server | active | port to probe
bindto | ip | unset | active | source address
bind_port | uint 1..65535 | unset | active | source port
bind_if | ifname | unset | active | device binding
connect_timeout | secs 0.000001..4294.967295 | from the real server | active | limit for connecting
fwmark | uint 0.. | 0 | active | SO_MARK on probe packets

[timing]
retry | uint 0.. | real server value, else 1 | active | extra attempts after a failure of a live checker
delay_before_retry | secs 0.. | real server value, else 1 | active | pause before each extra attempt
warmup | secs 0.. | real server value | active | upper bound of the random delay before the first run
delay_loop | secs 0.000001.. | from the real server (60) | active | interval between checks
alpha | bool | from the real server | active | start as failed
log_all_failures | bool | off | active | log every failed attempt while up, not just the last

[virtual_server/real_server/TCP_CHECK: connection, timing]
nb_get_retry | uint 0.. | - | active; says UNKNOWN_KEYWORD; old retry | HTTP_GET's older word for retry

[virtual_server/real_server/PING_CHECK: connection, timing]

[virtual_server/real_server/UDP_CHECK: connection, timing]
payload | !words | 32 bytes of fixed text | active | datagram content
require_reply | ?words | off | active | a reply must arrive
min_reply_length | uint= 0..65535 | 0 | active | shortest accepted reply (only tested when require_reply has hex)
max_reply_length | uint= 0..65535 | 255 | active | longest accepted reply (only tested when require_reply has hex)
nb_get_retry | uint 0.. | - | active; says UNKNOWN_KEYWORD; old retry | HTTP_GET's older word for retry

[virtual_server/real_server/HTTP_GET: connection, timing]
nb_get_retry | uint 0.. | - | active; says DEPRECATED; old retry | same as retry
virtualhost | !word | unset | active | host header for urls that set none
http_protocol | !enum 1.0,1.1,1.0C,1.0c | 1.0 | active | request version; 1.1 and 1.0C add a Connection: close header
enable_sni | bool | off | active | send SNI (accepted, no effect for HTTP)
sni_name | ?word | unset | active; new | SNI name, and turns enable_sni on (accepted, no effect for HTTP)
fast_recovery | bool | off | active | no delay between urls at first start and while recovering
url | block virtual_server/real_server/HTTP_GET/url | - | active; needs path | one request of the check

[virtual_server/real_server/SSL_GET: virtual_server/real_server/HTTP_GET]
tls_compliant | bool | off | active | send close_notify at the end
tls_verify | bool | off | active; ours | the certificate must be valid, and for the name that is asked for
url | block virtual_server/real_server/SSL_GET/url | - | active; needs path | one request of the check

[virtual_server/real_server/HTTP_GET/url]
path | word | required | active | request target
digest | word | unset | active | expected MD5 of the body; duplicate is an error
status_code | ?words | 200-299 | active | accepted status codes
virtualhost | !word | checker, then real server, then virtual server | active | host header
regex | ?words | unset | active | pattern that the returned data must match
regex_no_match | flag | off | active | invert: a match fails the check
regex_options | ?words | - | active | PCRE2 options
regex_min_offset | ?uint= 0.. | 0 | active | first offset at which matching starts
regex_max_offset | ?uint= 0.. | none | active | last offset at which a match may start (inclusive)
regex_stack | ?words | PCRE2 default | active | first and largest size of PCRE2's stack; matching takes what it needs

[virtual_server/real_server/SSL_GET/url: virtual_server/real_server/HTTP_GET/url]
tls_compliant | bool | off | active | send close_notify at the end

[virtual_server/real_server/SMTP_CHECK: connection, timing]
helo_name | !word | smtpchecker.keepalived.org | active | argument of HELO
host | block virtual_server/real_server/SMTP_CHECK/host | - | active | one more target

[virtual_server/real_server/SMTP_CHECK/host: connection, timing]

[virtual_server/real_server/DNS_CHECK: connection, timing]
type | word | SOA | active | query type
name | word | root | active | query name

[virtual_server/real_server/MISC_CHECK: timing]
misc_path | ?command | required | active | program and arguments
misc_timeout | uint 0..4294 | delay_loop | active | time limit, seconds
misc_dynamic | flag | off | active | exit codes 2-255 set the weight
user | !words | default script user | active | identity of the program; unknown user drops the checker

[virtual_server/real_server/FILE_CHECK]
track_file | words | required | active | file to follow
weight | !words | weight and direction of the track_file block (1) | active | multiplier

[virtual_server/real_server/BFD_CHECK]
name | !word | required | check | BFD instance to follow
alpha | bool | from the real server | check | start as failed
"""
