#!/bin/sh
# SEPARATE_UIDS, with the capabilities of deploy/components/separate-uids and no others and
# under the shipped seccomp profile: each process has a uid, a gid and an empty root of its
# own and no way to get at another one by them alone; the main job, kill -9 of each and the
# stop go on as ever. What cannot be had is said at the start.
if [ "$(id -u)" != 0 ]; then
	echo "ok - separate_uids: # SKIP needs root"
	exit 0
fi
. "$SRC/tests/system/lib.sh"

ONE=34.82.10.1
FIRST_ID=65520
OUTER=$BUILD/tests/system/outer
PROFILE=$SRC/deploy/components/seccomp/ipwarden.json
LEASE=/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/ip-address-controller-leader
given=$(sed -n 's/.*add: \[\(.*\)\]/\1/p' "$SRC/deploy/components/separate-uids/pods.yaml" |
	tr -d ' ' | tr 'A-Z,' 'a-z ')

# with_only CAPABILITY...: what starts it so, and with a group that nobody is to keep
with_only() {
	set=-all
	for cap; do set=$set,+$cap; done
	echo "setpriv --groups 65532 --bounding-set $set --inh-caps -all --no-new-privs"
}

start_world --nodes 3 --addresses $ONE
install_crd
deployment web
allocation web $ONE >/dev/null

# others have to find the programs; the folder is to be root's
chmod 711 "$DIR"
cp -r "$STAGE" "$DIR/stage"
STAGE=$DIR/stage
EMPTY=$STAGE/libexec/ipwarden/empty
chmod 600 "$CONTROLLER_KUBECONFIG" "$WATCHER_KUBECONFIG"
jq -r '.syscalls[] | select(.action == "SCMP_ACT_ALLOW") | .names[]' "$PROFILE" >"$DIR/calls"

# --- refused ------------------------------------------------------------------------
# refuses WORDS COMMAND...: started with it, exit code 2 and one error with these words
refuses() {
	words=$1
	shift
	code=0
	timeout 10 env -i PATH="$PATH" HOME="$DIR" METRICS_PORT=0 HEALTH_PORT=0 \
		${ASAN_OPTIONS:+ASAN_OPTIONS="$ASAN_OPTIONS"} SEPARATE_UIDS=true "$@" \
		"$STAGE/bin/ipwarden" --kubeconfig "$CONTROLLER_KUBECONFIG" \
		>"$DIR/out" 2>"$LOG" || code=$?
	cat "$LOG" "$DIR/out"
	say "exit code $code"
	[ $code -eq 2 ] && [ "$(grep -c '"level":"error"' "$LOG")" -eq 1 ] &&
		grep '"event":"separate_uids_refused"' "$LOG" | grep -qF -- "$words" &&
		! grep -q '"event":"spawned"' "$LOG"
}
for left in $given; do
	others=$(echo "$given" | tr ' ' '\n' | grep -vx "$left")
	# shellcheck disable=SC2046,SC2086
	check "without $left" refuses \
		"\"step\":\"CAP_$(echo "$left" | tr '[:lower:]' '[:upper:]')\",\"error\":\"not given\"" \
		$(with_only $others)
done
check "by nobody" refuses "not given" setpriv --reuid 65534 --regid 65534 --clear-groups
if unshare --user --map-root-user true 2>/dev/null; then
	check "where the uids are unknown" refuses '"step":"set' unshare --user --map-root-user
fi
grep -vx chroot "$DIR/calls" >"$DIR/few"
# shellcheck disable=SC2046,SC2086
check "where a filter is around it that knows no chroot" refuses '"step":"chroot"' \
	$(with_only $given) "$OUTER" "$DIR/few"
: >"$EMPTY/file"
check "a root that is not empty" refuses '/empty","error":"not empty"' env
rm "$EMPTY/file"
chmod 577 "$EMPTY"
check "one that others may write to" refuses "others than root may write" env
rmdir "$EMPTY"
check "none" refuses '/empty","error":"No such file' env
mkdir -m 555 "$EMPTY"
chmod 700 "$STAGE/libexec"
check "programs that others cannot reach" refuses \
	'ipwarden-config","error":"Permission denied"' env
chmod 755 "$STAGE/libexec"

# --- separate -----------------------------------------------------------------------
# status PID KEY...: these lines of its status, "KEY:VALUES" one after the other
status() {
	pid=$1
	shift
	for key; do echo "$key"; done | awk 'NR == FNR { wanted[$1 ":"] = 1; next }
		$1 in wanted { key = $1; $1 = ""; sub(/^ /, ""); printf "%s%s ", key, $0 }' - \
		"/proc/$pid/status"
}
NONE=0000000000000000
# separate ROLE ID: what is wrong with it
separate() {
	pid=$(pid_of "$1")
	now=$(status "$pid" Uid Gid Groups CapInh CapPrm CapEff CapBnd CapAmb NoNewPrivs)
	[ "$now" = "Uid:$2 $2 $2 $2 Gid:$2 $2 $2 $2 Groups: CapInh:$NONE CapPrm:$NONE \
CapEff:$NONE CapBnd:$NONE CapAmb:$NONE NoNewPrivs:1 " ] || say "$1: $now"
	[ "$(readlink "/proc/$pid/root")" = "$EMPTY" ] || say "$1: its root is another one"
	[ -z "$(ls -A "/proc/$pid/root/")" ] || say "$1: its root is not empty"
	[ "$(stat -c '%u %a' "/proc/$pid/root/")" = "0 555" ] || say "$1: others may write there"
	[ "$(od -A n -t d8 -w16 "/proc/$pid/auxv" | awk '$1 == 23 { print $2 }')" = 0 ] ||
		say "$1: the loader took it for setuid, and left out what it was told"
}
all_separate() {
	id=$FIRST_ID
	for role in $ROLES; do
		separate "$role" $id
		id=$((id + 1))
	done
}
layer() { curl -sS "$METRICS_URL/metrics" | grep '^ipwarden_sandbox_layer{' | grep -F "\"$1\"}"; }
layer_is() { [ "$(layer "$1" | awk '{ print $NF }' | sort | uniq -c | tr -s ' ')" = " $2" ]; }

WITH=SEPARATE_UIDS=true
# shellcheck disable=SC2046,SC2086
LAUNCH="$(with_only $given) $OUTER $DIR/calls"
start_ipwarden
eventually 30 "all processes are ready, the kubeconfig's tokens are root's alone" all_ready
all_ready || exit 1 # the rest would only wait
is "the supervisor has root's uid and KILL, SETGID, SETUID, SETPCAP, SYS_CHROOT" \
	"$(status "$MAIN" Uid CapPrm CapBnd)" \
	"Uid:0 0 0 0 CapPrm:00000000000401e0 CapBnd:00000000000401e0 "
is "each process has its ids alone, no capability, an empty root" "$(all_separate)" ""
for layer in own_uid empty_root; do
	eventually 10 "the layer $layer is shown of all eight" layer_is $layer "8 1"
done
is "none that was not asked for" "$(layer no_network)" ""
eventually 20 "attached" attached $ONE
NODE=$(node_of $ONE)
eventually 10 "labelled" label_is "$NODE" ip.ready true
cordon "$NODE"
eventually 30 "moved" moved $ONE "$NODE"
uncordon "$NODE"

# --- apart --------------------------------------------------------------------------
# reaches ID PID...: what a process with that uid, and no filter, can do to those
reaches() {
	id=$1
	shift
	# shellcheck disable=SC2016
	setpriv --reuid "$id" --regid "$id" --clear-groups --no-new-privs sh -c '
		for pid; do
			kill -0 "$pid" && echo signal
			prlimit --pid "$pid" --core=0:0 && echo limit
			renice 19 -p "$pid" >&2 && echo nice
			head -c1 "/proc/$pid/environ" >&2 && echo environ
			ls "/proc/$pid/fd" >&2 && echo fd
			dd if="/proc/$pid/mem" bs=1 count=0 && echo mem
			readlink "/proc/$pid/root" >&2 && echo root
		done' sh "$@" 2>/dev/null | tr '\n' ' '
}
reach_others() {
	id=$FIRST_ID
	for role in $ROLES; do
		others=
		for other in $ROLES; do
			[ "$other" = "$role" ] || others="$others $(pid_of "$other")"
		done
		# shellcheck disable=SC2086
		reached=$(reaches $id $others "$MAIN")
		[ -z "$reached" ] || say "$role: $reached"
		id=$((id + 1))
	done
}
is "with the uid of one alone no other one can be reached" "$(reach_others)" ""
is "itself it could" "$(reaches $FIRST_ID "$(pid_of resolver)")" "signal limit nice "
# a process that hides nothing: the uid does it
setpriv --reuid $FIRST_ID --regid $FIRST_ID --clear-groups sleep 600 &
OTHERS="$OTHERS $!"
until_true 5 grep -q "^Uid:.$FIRST_ID" "/proc/$!/status"
until_true 5 grep -qz sleep "/proc/$!/cmdline"
is "nor would it if that one were open to its own uid" "$(reaches $((FIRST_ID + 1)) $!)" ""
is "to whom it would be" "$(reaches $FIRST_ID $! | sed 's/mem //')" \
	"signal limit nice environ fd root "

# --- kill -9, and the end -------------------------------------------------------------
anew() { is_ready "$1" && [ "$(pid_of "$1")" != "$2" ]; }
for role in $ROLES; do
	pid=$(pid_of "$role")
	kill -9 "$pid"
	eventually 20 "kill -9 of $role: it is there again" anew "$role" "$pid"
done
is "all are separate as before" "$(all_separate)" ""
until_true 20 entry_is web $ONE "Attached Attached"
NODE=$(node_of $ONE)
cordon "$NODE"
eventually 30 "they still move" moved $ONE "$NODE"
uncordon "$NODE"
check "nobody was found less than confined" [ "$(grep -c '"event":"not_confined"' "$LOG")" -eq 0 ]
is "without this ipwarden warns of nothing but the deaths" "$(grep '"level":"\(warn\|error\)"' \
	"$LOG" | grep -v '"event":"died"' | head -3)" ""

# wedged: a process of another uid is ended by the supervisor, too
PIDS=$(for role in $ROLES; do pid_of "$role"; done)
kill -STOP "$(pid_of dialer-cloud)"
kill "$MAIN"
wait "$MAIN"
is "stops, although one of them has to be killed" $? 0
MAIN=
nothing_left() { for pid in $PIDS; do [ ! -d "/proc/$pid" ] || return 1; done; }
check "nothing is left" nothing_left
is "the lease is given back" "$(api GET $LEASE | jq -r .spec.holderIdentity)" ""

# --- without the network --------------------------------------------------------------
network() { readlink "/proc/$1/ns/net"; }
networks() {
	for role in $ROLES; do
		[ "$(network "$(pid_of "$role")")" = "$(network $$)" ] && echo "$role"
	done | tr '\n' ' '
}
# shellcheck disable=SC2046,SC2086
LAUNCH="$(with_only $given sys_admin) $OUTER $DIR/calls"
start_ipwarden
eventually 30 "with SYS_ADMIN, where a filter forbids new namespaces: ready" all_ready
check "it says so" grep -q '"event":"network_namespace_refused"' "$LOG"
eventually 10 "and the layer is shown as missing of those four" layer_is no_network "4 0"
stop_ipwarden

# shellcheck disable=SC2046,SC2086
LAUNCH=$(with_only $given sys_admin)
start_ipwarden
eventually 30 "with SYS_ADMIN: ready" all_ready
is "who opens sockets alone has the network" "$(networks)" \
	"resolver dialer-watcher dialer-reconciler dialer-cloud "
is "no two share one" "$(for role in $ROLES; do network "$(pid_of "$role")"; done | sort -u | wc -l)" 5
eventually 10 "the layer is shown" layer_is no_network "4 1"
until_true 20 entry_is web $ONE "Attached Attached"
NODE=$(node_of $ONE)
cordon "$NODE"
eventually 30 "they move as well" moved $ONE "$NODE"
check "metrics and health are served" ready
PIDS=$(for role in $ROLES; do pid_of "$role"; done)
kill -9 "$MAIN"
eventually 5 "kill -9 of the supervisor: nothing is left" nothing_left
MAIN=
check "no violations" no_violations
