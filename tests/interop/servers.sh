#!/bin/bash
# Throw-away Postfix and Dovecot on 127.0.0.1, for tests.
#
#   servers.sh start DIR PORTBASE [USER...]   DIR is made, or must be empty; prints "ready" when all ports answer
#   servers.sh stop DIR                       ends what start began, by its process ids, and empties DIR
#
# Ports: PORTBASE+0 smtp without login, for local receivers (as another provider's server would come)
#        +1 submission (STARTTLS, login)   +2 submissions (implicit TLS, login)   +3 imap (STARTTLS)   +4 imaps
# Mailboxes: USER@example.test (ten by default, the daemon's is codev), password "secret", user+anything@ goes to user.
# TLS: DIR/tls/ca.pem is the authority, DIR/tls/leaf.pem the certificate for localhost and 127.0.0.1.
#
# Needs root (Postfix's master asks for it) and Debian's postfix, dovecot-imapd, dovecot-lmtpd (2.3), openssl. Reads
# and changes nothing of the machine's own mail set-up. Works without DNS, without network and without an init system.
set -euo pipefail

fail() { echo "servers.sh: $*" >&2; exit 2; }
usage() { fail "usage: servers.sh start DIR PORTBASE [USER...] | stop DIR"; }

domain=example.test
password=secret
everyone=(codev ana bruno chloe david emma farid gabriel hanna ines)

make_certificates() { # rustls takes no authority's certificate for a server's: there must be two
  local ec="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
  cd "$dir/tls"
  openssl req -x509 $ec -keyout ca.key -out ca.pem -days 30 -subj "/CN=codevd test authority" \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign
  openssl req $ec -keyout leaf.key -out leaf.csr -subj /CN=localhost
  openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -out leaf.pem -extfile <(
    echo "subjectAltName=DNS:localhost,IP:127.0.0.1"
    echo "basicConstraints=CA:FALSE"
    echo "extendedKeyUsage=serverAuth")
  cd - >/dev/null
}

make_mailboxes() {
  local uid gid user
  uid=$(id -u nobody) gid=$(id -g nobody)
  for user in "${users[@]}"; do
    echo "$user@$domain:{PLAIN}$password:$uid:$gid::$dir/mail/$user::" >> "$dir/dovecot/users"
    echo "$user@$domain here" >> "$dir/postfix/mailboxes"
    mkdir -p "$dir/mail/$user"
  done
  chown -R "$uid:$gid" "$dir/mail"
}

write_dovecot() {
  cat > "$dir/dovecot/dovecot.conf" <<END
base_dir = $dir/run
state_dir = $dir/state
log_path = $dir/log/dovecot
instance_name = codevd-test-$base
listen = 127.0.0.1
protocols = imap lmtp
first_valid_uid = 1
mail_location = maildir:~/Maildir
mail_fsync = never
recipient_delimiter = +
ssl = yes
ssl_cert = <$dir/tls/leaf.pem
ssl_key = <$dir/tls/leaf.key
auth_mechanisms = plain login
auth_failure_delay = 0
passdb {
  driver = passwd-file
  args = $dir/dovecot/users
}
userdb {
  driver = passwd-file
  args = $dir/dovecot/users
}
namespace inbox {
  inbox = yes
  mailbox Sent {
    auto = subscribe
    special_use = \Sent
  }
}
service imap-login {
  chroot =
  inet_listener imap {
    port = $((base + 3))
  }
  inet_listener imaps {
    port = $((base + 4))
    ssl = yes
  }
}
service anvil {
  chroot =
  # without this a wrong password makes the next login wait for seconds
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
# not private/lmtp: that name is Postfix's own client
service lmtp {
  unix_listener $dir/queue/private/to-dovecot {
    mode = 0666
  }
}
service auth {
  unix_listener $dir/queue/private/logins {
    mode = 0666
  }
}
END
}

write_postfix() {
  cat > "$dir/postfix/main.cf" <<END
compatibility_level = 3.6
queue_directory = $dir/queue
data_directory = $dir/data
daemon_directory = /usr/lib/postfix/sbin
command_directory = /usr/sbin
maillog_file = $dir/log/postfix
maillog_file_prefixes = $dir/log
myhostname = mail.$domain
mydomain = $domain
myorigin = $domain
mydestination =
mynetworks = 127.0.0.1/32
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
disable_dns_lookups = yes
smtp_dns_support_level = disabled
smtpd_peername_lookup = no
default_transport = error:5.4.4 no outside world here
alias_maps =
alias_database =
local_recipient_maps =
recipient_delimiter = +
virtual_mailbox_domains = $domain
virtual_mailbox_maps = texthash:$dir/postfix/mailboxes
virtual_transport = lmtp:unix:private/to-dovecot
# mail for hall@ is for a test that listens by LMTP itself
transport_maps = inline:{ hall@$domain=lmtp:unix:private/to-codevd }
message_size_limit = 26214400
smtpd_relay_restrictions = reject_unauth_destination
smtpd_recipient_restrictions = permit
smtpd_sasl_type = dovecot
smtpd_sasl_path = private/logins
smtpd_tls_cert_file = $dir/tls/leaf.pem
smtpd_tls_key_file = $dir/tls/leaf.key
smtpd_client_connection_rate_limit = 0
smtpd_client_connection_count_limit = 0
smtpd_error_sleep_time = 0
queue_run_delay = 5s
minimal_backoff_time = 5s
END
  local login="-o smtpd_sasl_auth_enable=yes -o smtpd_relay_restrictions=permit_sasl_authenticated,reject"
  cat > "$dir/postfix/master.cf" <<END
127.0.0.1:$base inet n - n - - smtpd
127.0.0.1:$((base + 1)) inet n - n - - smtpd -o smtpd_tls_security_level=encrypt -o smtpd_tls_auth_only=yes $login
127.0.0.1:$((base + 2)) inet n - n - - smtpd -o smtpd_tls_wrappermode=yes $login
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
tlsmgr unix - - n 1000? 1 tlsmgr
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
error unix - - n - - error
retry unix - - n - - error
showq unix n - n - - showq
flush unix n - n 1000? 0 flush
pickup unix n - n 60 1 pickup
postlog unix-dgram n - n - 1 postlogd
END
  chown postfix "$dir/data" "$dir/queue/private"
}

wait_for_port() {
  local try
  for try in $(seq 200); do
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return
    sleep 0.05
  done
  tail -n 20 "$dir"/log/* >&2
  fail "port $1 does not answer"
}

start() {
  [ "$(id -u)" = 0 ] || fail "needs root"
  local tool offset
  for tool in postfix dovecot openssl; do
    command -v $tool >/dev/null || fail "$tool is missing: apt-get install postfix dovecot-imapd dovecot-lmtpd openssl"
  done
  case $(dovecot --version) in 2.3.*) ;; *) fail "the configuration is for Dovecot 2.3, found $(dovecot --version)" ;; esac
  [ ${#dir} -le 60 ] || fail "$dir is too long for the sockets in it"
  [ -z "$(ls -A "$dir")" ] || fail "$dir is not empty"
  chmod 755 "$dir" # both servers work as other users
  mkdir -p "$dir"/{postfix,data,queue/private,dovecot,run,state,mail,tls,log}
  make_certificates > "$dir/log/openssl" 2>&1
  make_mailboxes
  write_dovecot
  write_postfix
  dovecot -c "$dir/dovecot/dovecot.conf"
  postfix -c "$dir/postfix" start >> "$dir/log/start" 2>&1 || { cat "$dir"/log/* >&2; fail "Postfix does not start"; }
  for offset in 0 1 2 3 4; do wait_for_port $((base + offset)); done
  echo ready
}

# The process named in a pid file, if it still is one of this folder's (numbers are used again).
ours() {
  local pid
  pid=$(tr -dc 0-9 < "$1" 2>/dev/null) || return 1
  [ -n "$pid" ] && { tr '\0' ' ' < "/proc/$pid/cmdline"; readlink "/proc/$pid/cwd"; } 2>/dev/null | grep -qF "$dir" && echo "$pid"
}

stop() {
  local file pid try pids=()
  for file in "$dir/queue/pid/master.pid" "$dir/run/master.pid"; do
    pid=$(ours "$file") && kill "$pid" && pids+=("$pid")
  done
  for pid in "${pids[@]}"; do
    for try in $(seq 200); do
      kill -0 "$pid" 2>/dev/null || continue 2
      sleep 0.05
    done
    fail "process $pid does not end"
  done
  rm -rf "${dir:?}"/{postfix,data,queue,dovecot,run,state,mail,tls,log}
}

[ $# -ge 2 ] || usage
mkdir -p "$2"
dir=$(cd "$2" && pwd)
case $1 in
  start)
    [ $# -ge 3 ] || usage
    base=$3
    users=("${@:4}")
    [ ${#users[@]} -gt 0 ] || users=("${everyone[@]}")
    start
    ;;
  stop) stop ;;
  *) usage ;;
esac
