#!/bin/sh
# What /proc says of a running set: every thread of every process confined, each
# descriptor in its place and none beyond, limits, nothing of our environment. Once as the user
# who runs the test, and when that is root a second time as an unprivileged one.
. "$SRC/tests/system/lib.sh"

NOBODY=65534
instrumented=no
grep -q '^#define IPW_INSTRUMENTED 1' "$BUILD/config.h" 2>/dev/null && instrumented=yes
LEASE_DURATION=5
LEASE_SKEW_GRACE_SEC=1

# --- what is expected --------------------------------------------------------------

# One thread of its own, and nanomsg's where there are links.
threads_of() {
	case $1 in dialer-* | resolver) echo 1 ;; *) echo 2 ;; esac
}

# limits_of ROLE: MiB of data and descriptors
limits_of() {
	case $1 in
	dialer-*) echo "16 4096" ;; # descriptors in flight count per uid: dialer/filter.c
	resolver) echo "16 64" ;;
	metricsd) echo "96 256" ;;
	watcher) echo "192 128" ;;
	cloudworker) echo "64 64" ;;
	reconciler) echo "128 64" ;;
	esac
}

links_of() {
	case $1 in
	metricsd | reconciler) echo 3 ;;
	cloudworker | watcher) echo 2 ;;
	*) echo 0 ;;
	esac
}

# born_with ROLE: descriptors 0 to 9 (proto/fds.h)
born_with() {
	case $1 in
	resolver) echo null null pipe packets null null null packets packets packets ;;
	dialer-*) echo null null pipe packets null null null packets packets null ;;
	metricsd) echo null null pipe packets packets packets packets listener listener null ;;
	reconciler) echo null audit pipe packets packets packets packets packets null null ;;
	*) echo null null pipe packets packets packets null packets null null ;;
	esac
}

# opened ROLE: how many of which kind above 9, TCP aside. Its loop has an epoll. A filter
# that pins numbers has /dev/null up to 15. nanomsg has an epoll and an eventfd, and for
# each link two eventfds, a copy of the link control and the present end; libmicrohttpd an
# epoll for each listener; libcurl a pair to wake itself.
opened() {
	links=$(links_of "$1")
	case $1 in
	resolver | dialer-*) echo "1 epoll 5 null" ;;
	metricsd) echo "4 epoll $((1 + 2 * links)) eventfd 5 null $links packets $links stream" ;;
	*) echo "2 epoll $((1 + 2 * links)) eventfd $links packets $((links + 2)) stream" ;;
	esac
}

# peers_of ROLE: ports that its TCP connections lead to
peers_of() {
	case $1 in
	watcher | reconciler) port_in "$KUBE_URL" ;;
	cloudworker) echo "$(port_in "$GCP_ENDPOINT") $(port_in "$GCE_METADATA_HOST")" ;;
	esac
}

port_in() { echo "$1" | sed 's|.*://||; s|/.*||; s|.*:||'; }

# --- what is there -----------------------------------------------------------------

# descriptors PID: "NUMBER KIND [PORT OF THE PEER]", in order
descriptors() {
	find "/proc/$1/fd" -type l -printf '%f %l\n' | sort -n |
		awk -v audit="$AUDIT" '
			FILENAME ~ /unix$/ {
				kind[$7] = "datagrams"
				if ($5 == "0001") kind[$7] = "stream"
				if ($5 == "0005") kind[$7] = "packets"
				next
			}
			FILENAME ~ /tcp6?$/ {
				split($3, peer, ":")
				kind[$10] = $4 == "0A" ? "listener" : "tcp 0x" peer[2]
				next
			}
			FILENAME ~ /udp6?$/ { kind[$10] = "udp"; next }
			{
				number = $1
				sub(/^[0-9]* /, "")
				is = $0
				if (/^socket:/) {
					gsub(/[^0-9]/, "")
					is = $0 in kind ? kind[$0] : "socket"
				}
				if (is == "/dev/null") is = "null"
				if (is == audit) is = "audit"
				if (is ~ /^pipe:/) is = "pipe"
				if (is ~ /eventpoll/) is = "epoll"
				if (is ~ /eventfd/) is = "eventfd"
				print number, is
			}' /proc/net/unix /proc/net/tcp /proc/net/tcp6 /proc/net/udp \
			/proc/net/udp6 -
}

low() { descriptors "$1" | awk '$1 < 10 { print $2 }' | tr '\n' ' ' | sed 's/ $//'; }

high() {
	descriptors "$1" | awk '$1 >= 10 && $2 != "tcp" { print $2 }' | sort | uniq -c |
		awk '{ printf "%s%s %s", sep, $1, $2; sep = " " }'
}

# strangers ROLE PID: ports its TCP connections lead to and should not
strangers() {
	descriptors "$2" | awk '$2 == "tcp" { print $3 }' | while read -r port; do
		# what metricsd has was accepted: any peer
		[ "$1" != metricsd ] || continue
		case " $(peers_of "$1") " in *" $((port)) "*) ;; *) echo "$((port))" ;; esac
	done
}

# Links come and go while processes start; the table is of a set that is at rest.
is_high() { [ "$(high "$1")" = "$2" ]; }

threads_there() { find "/proc/$1/task" -mindepth 1 -maxdepth 1 | wc -l; }

# unconfined PID: each thread's lines that are not as they should be
unconfined() {
	cat /proc/"$1"/task/*/status | grep -E '^(Seccomp|NoNewPrivs|Cap(Inh|Prm|Eff|Amb)):' |
		grep -vxE 'Seccomp:.2|NoNewPrivs:.1|Cap(Inh|Prm|Eff|Amb):.0{16}'
}

# confined_lines PID: how many such lines there are, to know that they were looked at
confined_lines() {
	cat /proc/"$1"/task/*/status |
		grep -cE '^(Seccomp|NoNewPrivs|Cap(Inh|Prm|Eff|Amb)):'
}

# limit PID NAME: soft and hard
limit() { sed -n "s/^$2 *\([^ ]*\) *\([^ ]*\) .*/\1 \2/p" "/proc/$1/limits"; }

# --- checks ------------------------------------------------------------------------

check_status() {
	threads=$(threads_of "$1")
	is "$3 $1 has $threads thread(s)" "$(threads_there "$2")" "$threads"
	is "$3 $1: six lines of each thread say how it is confined" \
		"$(confined_lines "$2")" $((6 * threads))
	is "$3 $1: all of them well" "$(unconfined "$2")" ""
	is "$3 $1 leaves no core" "$(limit "$2" 'Max core file size')" "0 0"
	# shellcheck disable=SC2046
	set -- "$1" "$2" "$3" $(limits_of "$1")
	is "$3 $1 can have $5 descriptors" "$(limit "$2" 'Max open files')" "$5 $5"
	[ $instrumented = yes ] ||
		is "$3 $1 can have $4 MiB" "$(limit "$2" 'Max data size')" \
			"$(($4 << 20)) $(($4 << 20))"
}

check_descriptors() {
	is "$3 $1 is born with its ten descriptors" "$(low "$2")" "$(born_with "$1")"
	eventually 10 "$3 $1 has opened what it needs and nothing else: $(opened "$1")" \
		is_high "$2" "$(opened "$1")"
	is "$3 $1 is connected to nobody else" "$(strangers "$1" "$2")" ""
	case $1 in watcher | reconciler | cloudworker)
		check "$3 $1 is connected" connected "$2" ;;
	esac
}

connected() { descriptors "$1" | grep ' tcp '; }

# Its owner in /proc is root then, whoever it runs as, and only root may look inside.
check_closed() {
	is "$3 $1 has no environment but its heap's setting" \
		"$(tr '\0' ' ' <"/proc/$2/environ")" \
		"GLIBC_TUNABLES=glibc.malloc.tcache_count=0 "
	check "$3 $1 cannot be looked into" closed_to_others "$2"
	is "$3 $1 runs as $4" "$(awk '/^Uid:/ { print $2, $3, $4, $5 }' "/proc/$2/status")" \
		"$4 $4 $4 $4"
	[ "$(stat -c %u "/proc/$2/mem")" = 0 ] ||
		not_ok "$3 $1 is dumpable: /proc/$2 is not root's"
}

closed_to_others() {
	for file in environ maps auxv; do
		! setpriv --reuid "$NOBODY" --regid "$NOBODY" --clear-groups \
			cat "/proc/$1/$file" || return 1
	done
}

# layers_of ROLE: the bits that it reported when it had locked itself
layers_of() {
	sed -n 's/.*"event":"ready","role":"'"$1"'","pid":[0-9]*,"layers":\([0-9]*\)}.*/\1/p' \
		"$LOG" | tail -1
}

check_layers() {
	curl -sS "$METRICS_URL/metrics" | grep '^ipwarden_sandbox_layer{' >"$DIR/layers"
	bit=0
	shown=
	for layer in seccomp no_new_privs no_capabilities not_dumpable rlimits mdwe landlock; do
		for role in $ROLES; do
			got=$(grep -F "{process=\"$role\",layer=\"$layer\"}" "$DIR/layers")
			[ "${got##* }" = $(($(layers_of "$role") >> bit & 1)) ] ||
				shown="$shown $role/$layer:${got##* }"
			[ $bit -gt 4 ] || [ "${got##* }" = 1 ] ||
				shown="$shown $role/$layer is not in force"
		done
		bit=$((bit + 1))
	done
	is "$1 ipwarden_sandbox_layer shows what each process has" "$shown" ""
	is "$1 ipwarden_sandbox_layer shows nobody else" "$(wc -l <"$DIR/layers")" \
		$((bit * $(echo "$ROLES" | wc -w)))
	for layer in mdwe landlock; do
		say "# $1 $layer: $(grep -cF "\"$layer\"} 1" "$DIR/layers") processes"
	done
}

# check_set USER UID
check_set() {
	eventually 30 "$1 all processes are ready" all_ready
	eventually 30 "$1 ipwarden is ready" ready
	for role in $ROLES; do
		pid=$(pid_of "$role")
		check_status "$role" "$pid" "$1"
		[ "$(id -u)" = 0 ] || continue
		check_descriptors "$role" "$pid" "$1"
		[ $instrumented = yes ] || check_closed "$role" "$pid" "$1" "$2"
	done
	check_layers "$1"
	is "$1 the supervisor is confined" "$(grep -E '^(Seccomp|NoNewPrivs):' \
		"/proc/$MAIN/status" | awk '{ printf "%s", $2 }')" 12
}

# --- the watcher's token -----------------------------------------------------------

watcher_kc() { kc --kubeconfig "$WATCHER_KUBECONFIG" "$@"; }

# forbidden COMMAND...: kubectl says so (it says nothing else that has this word)
forbidden() {
	! watcher_kc "$@" >"$DIR/forbidden" 2>&1 && grep -q 'Forbidden\|forbidden' "$DIR/forbidden"
}

check_token() {
	node=$(kc get nodes -o name | head -1)
	check "the watcher's token reads nodes" watcher_kc get "$node"
	check "the watcher's token labels no node" forbidden label "$node" a=b
	check "the watcher's token patches no allocation" forbidden patch nia pool \
		--type=merge -p '{"metadata":{"labels":{"a":"b"}}}'
	is "the watcher's token patches no status" "$(token_write "$WATCHER_KUBECONFIG" \
		/apis/netinfra.darkbrains.com/v1alpha1/netipallocations/pool/status \
		'{"status":{"observedGeneration":7}}')" 403
	check "the watcher's token deletes no allocation" forbidden delete nia pool
	check "the watcher's token deletes no pod" forbidden delete pod -n default web
	is "its write is answered with" "$(token_write "$WATCHER_KUBECONFIG")" 403
	is "the reconciler's is answered with" "$(token_write "$CONTROLLER_KUBECONFIG")" 200
}

# token_write KUBECONFIG [PATH BODY]: the HTTP status of a patch; without a path, of a node
token_write() {
	path=${2:-/api/v1/nodes/${node#*/}}
	body='{"metadata":{"labels":{"a":"b"}}}'
	curl -sS -o /dev/null -w '%{http_code}' -X PATCH --cacert "$SIM_CA" \
		-H "Authorization: Bearer $(sed -n 's/^ *token: //p' "$1")" \
		-H 'Content-Type: application/merge-patch+json' \
		--data-binary "${3:-$body}" "$KUBE_URL$path"
}

# --- the test ----------------------------------------------------------------------

start_world --nodes 3 --addresses 34.82.10.1
install_crd
deployment web
pod default/web node-0 web
allocation pool 34.82.10.1 >/dev/null
# Two that ipwarden inherits and nobody may keep.
exec 8<"$SRC/README.md" 9<"$SRC/HACKING.md"
start_ipwarden
[ "$(id -u)" = 0 ] || say "ok - proc: descriptors and environment # SKIP needs root"
check_set "$(id -un):" "$(id -u)"
check_token
stop_ipwarden

if [ "$(id -u)" = 0 ]; then
	# It reads its files as that user.
	mkdir "$DIR/open"
	chmod 711 "$DIR"
	cp -r "$STAGE" "$DIR/open/stage"
	cp "$CONTROLLER_KUBECONFIG" "$WATCHER_KUBECONFIG" "$DIR/open"
	chmod -R a+rX "$DIR/open"
	STAGE=$DIR/open/stage
	CONTROLLER_KUBECONFIG=$DIR/open/$(basename "$CONTROLLER_KUBECONFIG")
	WATCHER_KUBECONFIG=$DIR/open/$(basename "$WATCHER_KUBECONFIG")
	WITH="setpriv --reuid $NOBODY --regid $NOBODY --clear-groups"
	start_ipwarden
	check_set "unprivileged:" "$NOBODY"
fi
