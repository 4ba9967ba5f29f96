#!/bin/sh
# Deny tests: each process tries, in its own place and with its own descriptors, what it
# must not be able to do. It dies of SIGSYS, or is refused where the list says so.
#
# Most is tried by copies that are forked off the running process (tests/system/inject.c):
# those cost nothing, so there are many, and one for each system call there is. The rest
# is tried by the processes themselves, one forbidden call each and then a fresh ipwarden,
# and the supervisor must say of each that it died of a forbidden system call.
if [ "$(id -u)" != 0 ] || [ "$(uname -m)" != x86_64 ]; then
	echo "ok - deny: # SKIP needs root and x86-64"
	exit 0
fi
if grep -q '^#define IPW_INSTRUMENTED 1' "$BUILD/config.h" 2>/dev/null; then
	echo "ok - deny: # SKIP filters of this build log and do not kill"
	exit 0
fi
. "$SRC/tests/system/lib.sh"

INJECT=${INJECT:-$BUILD/tests/system/inject}
CONFIG=$STAGE/libexec/ipwarden/ipwarden-config
LEASE_DURATION=5
LEASE_SKEW_GRACE_SEC=1
tcp=
new=
sibling=

# --- what is tried -----------------------------------------------------------------
#
# Lines of "ATTEMPT [NUMBER [OTHER]] [= ANSWER]"; the answer is "died SIGSYS" if it is not
# said. @tcp is a connected TCP descriptor of the process (for metricsd one that it
# accepted), @new one that it opened and connected, @port a listener on loopback,
# @sibling another process.

# A kernel without the way of i386 programs ends who takes it, filter or not.
untried='^$'
"$BUILD/tests/system/i386" >/dev/null 2>&1 || {
	untried='^i386$'
	say "# not tried: this kernel takes no system calls of i386"
}

# What the brief of every role leaves out.
everyone() {
	grep -v "$untried" <<-EOF
		open
		i386
		exec
		fork
		ptrace @sibling
		kill @sibling
		mmap-exec
	EOF
}

everyone_more() {
	grep -v "$untried" <<-EOF
		open-old
		memfd
		exec-at 0
		vfork
		clone
		clone3
		tgkill @sibling
		tgkill-abort @sibling
		readv-process @sibling
		writev-process @sibling
		pidfd-open @sibling
		pidfd-getfd 0
		prlimit @sibling
		prctl
		seccomp
		unshare
		io-uring
		bpf
		userfaultfd
		setuid
		mmap-file 0
		mprotect-exec
		pkey-exec
		x32
		i386
		epoll-create
		eventfd
		pipe
		socketpair
		socket-blocking
		socket-unix
		socket-raw
		socket-packet
		socket-netlink
		socket-vsock
		socket-mptcp
		socket-sctp
	EOF
}

# redirects NUMBER: what would make another connection of a descriptor
redirects() {
	cat <<-EOF
		connect $1 @port
		connect-unspec $1
		fastopen-sendto $1 @port
		fastopen-sendmsg $1 @port
	EOF
}

# handles NUMBER: what nobody may do to any descriptor
handles() {
	cat <<-EOF
		bind $1
		listen $1
		accept-wide $1
		accept-old $1
		sendto $1 @port
		recvfrom $1
		sendmmsg $1
		recvmmsg $1
		fastopen-option $1
		repair-option $1
		device-option $1
		filter-option $1
		readv $1
		writev $1
		pwrite $1
		splice $1 0
		sendfile $1 0
		vmsplice $1
		dup $1
		dup2 $1 3
		dup2 $1 7
		dup2 $1 8
		dup3 $1 7
		dupfd $1
		dupfd-cloexec $1
		own-fd $1
		ioctl $1
		close-range $1
	EOF
}

# speaks NUMBER: what would make a connection of use to who opened it
speaks() {
	cat <<-EOF
		read $1
		write $1
		send $1
		sendmsg $1
		recv $1
		recvmsg $1
	EOF
}

# pinned NUMBER: what a filter that names the descriptor must refuse to others
pinned() {
	cat <<-EOF
		read $1
		pread $1
		set-flags $1
		close $1
		close-wide $1
		write-wide $1
		sendmsg-wide $1
		recvmsg-wide $1
		send-wide $1
		connect $1 @port
		connect-wide $1 @port
	EOF
}

is_dialer() { case $1 in dialer-*) ;; *) return 1 ;; esac }

# in_place ROLE: tried by the process itself
in_place() {
	everyone
	case $1 in
	dialer-*)
		echo socket-udp
		redirects 7
		speaks @new
		for fd in 7 8 3; do echo "dup2 @new $fd"; done
		echo close 7
		echo shutdown @new
		echo fastopen-sendto @new @port
		echo fastopen-sendmsg @new @port
		;;
	resolver)
		echo socket
		redirects 7
		for attempt in read write sendmsg recvmsg; do echo $attempt @new; done
		echo sendto @new @port
		echo close 7
		;;
	metricsd)
		echo socket
		redirects 7
		echo "shutdown 7 = refused EPERM"
		echo "shutdown 8 = refused EPERM"
		echo accept 3
		;;
	*)
		echo socket
		redirects @tcp
		echo shutdown @tcp
		;;
	esac
}

# on_copies ROLE: tried by copies of it, beyond that
on_copies() {
	everyone_more
	[ "$1" = resolver ] || echo socket-udp
	is_dialer "$1" || echo socket
	for fd in 3 7; do handles $fd; done
	case $1 in
	dialer-*)
		handles @new
		for fd in 2 3 7 8; do pinned $fd; done
		for fd in 3 7; do printf '%s\n' "write $fd" "send $fd" "recv $fd"; done
		echo write 8
		for fd in 0 2 8 10 @new; do echo "sendmsg-fd $fd 3"; done
		for fd in 2 8 10; do echo "recvmsg $fd"; done
		for fd in 3 7 @new; do printf '%s\n' "accept $fd" "shutdown $fd"; done
		echo connect-unix 7
		echo connect-wide @new @port
		echo close-wide @new
		echo set-flags @new
		echo pread @new
		echo fastopen-send @new
		;;
	resolver)
		handles @new
		for fd in 2 3 7 8 9; do pinned $fd; done
		for fd in 3 7 8 9; do echo "write $fd"; done
		printf '%s\n' "send 3" "recv 3"
		for fd in 0 2 7 8 9 10 @new; do echo "sendmsg-fd $fd 3"; done
		for fd in 2 7 8 9 10; do echo "recvmsg $fd"; done
		for fd in 3 7 @new; do printf '%s\n' "accept $fd" "shutdown $fd"; done
		echo connect-unix 7
		echo connect-wide @new @port
		echo send-wide @new
		echo close-wide @new
		echo set-flags @new
		;;
	metricsd)
		for fd in 8 @tcp; do handles $fd; done
		for fd in 8 @tcp; do redirects $fd; done
		for fd in 7 8; do
			echo "shutdown-wide $fd = refused EPERM"
			echo "fastopen-send $fd"
			echo "pread $fd"
		done
		echo accept @tcp
		echo connect-unix 3
		;;
	*)
		handles @tcp
		for fd in 3 4 7; do redirects $fd; done
		for fd in 3 7; do printf '%s\n' "accept $fd" "shutdown $fd"; done
		echo connect-unix @tcp
		echo connect-wide @tcp @port
		echo shutdown-wide @tcp
		echo fastopen-send @tcp
		echo accept @tcp
		;;
	esac
}

# It starts the others and leaves them their filters, so it may do more; what it may not
# is answered with EPERM, for it and for all that it starts.
on_supervisor() {
	for attempt in open-old "exec-at 0" vfork "ptrace @sibling" "readv-process @sibling" \
		"writev-process @sibling" "pidfd-open @sibling" "pidfd-getfd 0" io-uring bpf \
		userfaultfd unshare clone-user chroot setuid pkey-exec "bind 4" "listen 4" "accept-old 4" \
		"sendmmsg 4" "recvmmsg 4" "splice 4 0" "sendfile 4 0" "vmsplice 4" "ioctl 4"; do
		echo "$attempt = refused EPERM"
	done
	echo "fork = refused EPERM"
	echo "clone3 = refused ENOSYS"
}

on_config() {
	everyone
	everyone_more
	echo socket
	echo socket-udp
	for fd in 3 7; do handles $fd; done
	pinned 2
	pinned 3 | grep -v '^[[:space:]]*read 3$' # where it is let go on
	for fd in 2 3 7; do redirects $fd; done
	for fd in 3 7; do printf '%s\n' "write $fd" "send $fd" "recv $fd" "recvmsg $fd"; done
	for fd in 0 2 7; do echo "sendmsg-fd $fd 3"; done
	for fd in 3 7; do printf '%s\n' "accept $fd" "shutdown $fd"; done
	for attempt in pread close set-flags; do echo "$attempt" 7; done
}

# The calls whose number alone a filter lets pass. What is allowed with certain arguments
# only is in here when all 0 or all ones are among them.
CALLS="poll mprotect munmap brk rt_sigprocmask rt_sigreturn mremap getpid gettid \
restart_syscall clock_gettime exit_group epoll_wait epoll_ctl ppoll epoll_pwait getrandom"
CALLS_THREADS="read write close futex set_robust_list rseq sendto recvfrom sendmsg recvmsg"

calls_of() {
	case $1 in
	dialer-* | resolver) echo "$CALLS" ;;
	metricsd) echo "$CALLS $CALLS_THREADS shutdown" ;;
	*) echo "$CALLS $CALLS_THREADS pread64 getsockname getpeername" ;;
	esac
}

sorted() { echo "$1" | tr ' ' '\n' | grep . | sort | tr '\n' ' '; }

# --- descriptors -------------------------------------------------------------------

# tcp_of PID: the first of its descriptors that is a connected TCP socket
tcp_of() {
	find "/proc/$1/fd" -lname 'socket:*' -printf '%f %l\n' | sort -n |
		awk 'FILENAME != "-" { if ($4 == "01") connected[$10] = 1; next }
			{ gsub(/[^0-9]/, "", $2) }
			$2 in connected { print $1; exit }' \
			/proc/net/tcp /proc/net/tcp6 - | grep .
}

# open_new ROLE PID: makes the process open a socket and connect it, both of which are
# its job; the number, "" when it could not
open_new() {
	kind=socket
	[ "$1" != resolver ] || kind=socket-udp
	fd=$("$INJECT" "$2" $kind | sed -n 's/^ALLOWED //p')
	[ "${fd:-0}" -ge 16 ] || return 1
	case $("$INJECT" "$2" connect "$fd" "$PORT") in
	"ALLOWED 0" | "refused EINPROGRESS") echo "$fd" ;;
	*) return 1 ;;
	esac
}

# connect_to_metricsd: a connection that it has accepted and that stays open
connect_to_metricsd() {
	mkfifo "$DIR/fifo"
	curl -sS -N "telnet://127.0.0.1:$(port_of metrics)" <>"$DIR/fifo" >/dev/null 2>&1 &
	OTHERS="$OTHERS $!"
	until_true 5 tcp_of "$(pid_of metricsd)"
}

# settle ROLE PID: fills in what the lines above have at their "@", or fails
settle() {
	tcp=
	new=
	sibling=$(pid_of metricsd)
	[ "$1" != metricsd ] || sibling=$(pid_of watcher)
	case $1 in
	dialer-* | resolver) new=$(open_new "$1" "$2") ;;
	metricsd) tcp=$(tcp_of "$2") || tcp=none ;;
	*) until_true 10 tcp_of "$2" && tcp=$(tcp_of "$2") ;;
	esac
}

# split WORDS: into attempt (with its numbers) and wanted
split() {
	wanted="died SIGSYS"
	attempt=
	while [ $# -gt 0 ]; do
		case $1 in
		@tcp) attempt="$attempt $tcp" ;;
		@new) attempt="$attempt $new" ;;
		@port) attempt="$attempt $PORT" ;;
		@sibling) attempt="$attempt $sibling" ;;
		=)
			shift
			wanted=$*
			break
			;;
		*) attempt="$attempt $1" ;;
		esac
		shift
	done
}

# --- the three ways ----------------------------------------------------------------

# try_all WHAT INJECT-ARGUMENTS: each line of standard input; one check for all
try_all() {
	what=$1
	shift
	count=0
	wrong=
	while read -r line; do
		# shellcheck disable=SC2086
		split $line
		# shellcheck disable=SC2086
		got=$("$INJECT" "$@" $attempt 2>&1)
		count=$((count + 1))
		[ "$got" = "$wanted" ] || wrong="$wrong [$attempt: $got]"
	done
	is "$what: $count attempts" "$wrong" ""
}

copies() {
	"$INJECT" --copy "$(pid_of watcher)" prctl >/dev/null 2>&1
	[ $? -ne 3 ]
}

# What it has accepted it may end; by a number that only looks like it, nothing. Its
# connection is a new one, since metricsd keeps none that stays silent.
metricsd_ends_connections() {
	check "metricsd has a connection" connect_to_metricsd
	settle metricsd "$1"
	is "it may end it" "$("$INJECT" --copy "$1" shutdown-wide "$tcp"),$(
		"$INJECT" --copy "$1" shutdown "$tcp")" "died SIGSYS,ALLOWED 0"
}

all_on_copies() {
	before=$(for role in $ROLES; do pid_of "$role"; done)
	for role in $ROLES; do
		pid=$(pid_of "$role")
		[ "$role" != metricsd ] || metricsd_ends_connections "$pid"
		settle "$role" "$pid" || not_ok "$role has what it is to be tried with"
		on_copies "$role" >"$DIR/attempts"
		try_all "copies of $role" --copy "$pid" <"$DIR/attempts"
		is "$role survives no other system call" \
			"$(sorted "$("$INJECT" --sweep "$pid")")" \
			"$(sorted "$(calls_of "$role")")"
	done
	is "the copied processes live on" \
		"$(for role in $ROLES; do pid_of "$role"; done)" "$before"
	eventually 10 "and work" all_ready
}

all_on_supervisor() {
	sibling=$(pid_of watcher)
	on_supervisor >"$DIR/attempts"
	try_all "the supervisor" "$MAIN" <"$DIR/attempts"
	check "the supervisor lives on" kill -0 "$MAIN"
}

all_on_config() {
	sibling=$(pid_of watcher)
	on_config >"$DIR/attempts"
	try_all "config" --config "$CONFIG" <"$DIR/attempts"
}

# With their connections, because the dialers may be the first to die.
fresh() {
	kill -9 "$MAIN"
	wait "$MAIN" 2>/dev/null
	start_ipwarden
	until_true 20 all_ready || {
		not_ok "all processes are ready again"
		exit 1
	}
	for role in cloudworker reconciler watcher; do
		until_true 10 tcp_of "$(pid_of $role)"
	done
}

# said_dead ROLE PID: the supervisor saw its filter end it
said_dead() {
	grep -q '"event":"died","role":"'"$1"'","pid":'"$2"',"signal":31,"why":"forbidden system call"' \
		"$LOG"
}

# next_death ROLE: goes on in its list until an attempt ends it
next_death() {
	pid=$(pid_of "$1")
	settle "$1" "$pid" || echo "[no descriptor]" >>"$DIR/wrong.$1"
	while [ -s "$DIR/todo.$1" ]; do
		# shellcheck disable=SC2046
		split $(head -1 "$DIR/todo.$1")
		sed -i 1d "$DIR/todo.$1"
		# shellcheck disable=SC2086
		got=$("$INJECT" "$pid" $attempt 2>&1)
		[ "$got" = "$wanted" ] || echo "[$attempt: $got]" >>"$DIR/wrong.$1"
		[ "$wanted" != "died SIGSYS" ] || break
	done
	[ "$wanted" != "died SIGSYS" ] || until_true 5 said_dead "$1" "$pid" ||
		echo "[$attempt: the supervisor did not see it]" >>"$DIR/wrong.$1"
}

todo_left() {
	for role in $ROLES; do [ ! -s "$DIR/todo.$role" ] || return 0; done
	return 1
}

all_in_place() {
	for role in $ROLES; do wc -l <"$DIR/todo.$role" >"$DIR/count.$role"; done
	rounds=0
	while todo_left; do
		rounds=$((rounds + 1))
		fresh
		deaths=
		for role in $ROLES; do
			[ -s "$DIR/todo.$role" ] || continue
			next_death "$role" &
			deaths="$deaths $!"
		done
		# shellcheck disable=SC2086
		wait $deaths
	done
	for role in $ROLES; do
		is "$role itself: $(cat "$DIR/count.$role") attempts" \
			"$(cat "$DIR/wrong.$role" 2>/dev/null)" ""
	done
	say "# $rounds rounds"
}

# --- the test ----------------------------------------------------------------------

start_world --nodes 2 --addresses 34.82.10.1
install_crd
PORT=${CONTROL_URL##*:}
PORT=${PORT%%/*}
start_ipwarden
eventually 30 "all processes are ready" all_ready
[ $failed -eq 0 ] || exit 1
for role in $ROLES; do in_place "$role" >"$DIR/todo.$role"; done
all_on_config
all_on_supervisor
if copies; then
	all_on_copies
else
	say "# filters cannot be suspended here: no copies, and no sweep"
	for role in $ROLES; do on_copies "$role" >>"$DIR/todo.$role"; done
fi
all_in_place
