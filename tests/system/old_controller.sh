#!/bin/sh
# Beside the controller that ipwarden replaces (COMPATIBILITY.md §1), here a stub of its
# election: a follower takes a lease whose holder is not the name of a pod, and who has
# led goes on acting for ever. Never do two act; ipwarden waits until its pods are gone.
. "$SRC/tests/system/lib.sh"

ONE=34.82.10.1
ZONE=projects/sim-project/zones/us-west1-a
PODS=/api/v1/namespaces/kube-system/pods
LEASE=/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/ip-address-controller-leader
LEASE_DURATION=5
LEASE_SKEW_GRACE_SEC=1
SAYS="OtherControllerRunning: pod kube-system/"

# --- the old controller -------------------------------------------------------------

gce() {
	token=$(curl -sS -H 'Metadata-Flavor: Google' "http://$GCE_METADATA_HOST/computeMetadata/v1/instance/service-accounts/default/token" |
		jq -r .access_token)
	curl -sS -f -X POST -H "Authorization: Bearer $token" \
		-H 'Content-Type: application/json' "$GCP_ENDPOINT/$ZONE/instances/$1" --data-binary "$2" >/dev/null
}
config_of() {
	control GET /gce/state | jq -r --arg n "$1" \
		'.instances[] | select(.name == $n) | .access_config // ""'
}
bare() { [ -z "$(config_of "$1")" ]; }
take_off() {
	config=$(config_of "$1")
	[ -z "$config" ] || gce "$1/deleteAccessConfig?networkInterface=nic0&accessConfig=$config" ''
	until_true 10 bare "$1"
}
put_on() {
	gce "$1/addAccessConfig?networkInterface=nic0" \
		'{"name":"external-nat","type":"ONE_TO_ONE_NAT","natIP":"'$ONE'"}'
	until_true 10 holds $ONE "$1"
}
cordoned() { api GET "/api/v1/nodes/$1" | jq -e '.spec.unschedulable == true'; }
free_node() {
	api GET /api/v1/nodes |
		jq -r '[.items[] | select(.spec.unschedulable != true) | .metadata.name] | first'
}

# old_move NAME: off a cordoned node, and on to one that is not; when, for the judgement
old_move() {
	node=$(node_of $ONE)
	[ -z "$node" ] || cordoned "$node" >/dev/null || return 0
	target=$(free_node)
	now_ms >>"$DIR/$1.acts"
	[ -z "$node" ] || take_off "$node"
	take_off "$target"
	put_on "$target"
	merge_patch "/api/v1/nodes/$target" '{"metadata":{"labels":{"ip.ready":"true"}}}'
	now_ms >>"$DIR/$1.acts"
}

pod_exists() { [ -n "$1" ] && api GET "$PODS/$1" >/dev/null 2>&1; }
holder() { api GET $LEASE | jq -r '.spec.holderIdentity // ""'; }
holder_is() { [ "$(holder)" = "$1" ]; }

# old_tool NAME: for ever
old_tool() {
	led=no
	while :; do
		holder=$(holder)
		if [ "$holder" != "$1" ] && ! pod_exists "$holder"; then
			merge_patch $LEASE '{"spec":{"holderIdentity":"'"$1"'"}}' &&
				holder=$1
		fi
		[ "$holder" != "$1" ] || led=yes
		[ $led = no ] || old_move "$1"
		sleep 0.1
	done
}

# put_pod NAME LABELS
put_pod() {
	put_object '{"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"kube-system",
		"name":"'"$1"'","labels":{'"$2"'}},"spec":{"nodeName":"elsewhere",
		"containers":[{"name":"main","image":"none"}]},
		"status":{"phase":"Running"}}' >/dev/null
}
old_starts() { # NAME
	put_pod "$1" '"app":"ip-address-controller"'
	old_tool "$1" >"$DIR/$1.log" 2>&1 &
	OLD=$!
	OTHERS="$OTHERS $OLD"
}
old_ends() { # NAME: its process, then its pod
	kill $OLD
	wait $OLD 2>/dev/null
	OTHERS=
	remove_object "$PODS/$1"
}

# --- what is asked of ours ----------------------------------------------------------

our_pod() {
	put_pod ipwarden-0 '"app":"ip-address-controller","app.kubernetes.io/name":"ipwarden"'
}
mark() { api GET $PODS/ipwarden-0 | jq -r '.metadata.annotations["controller-leader"] // ""'; }
mark_is() { [ "$(mark)" = "$1" ]; }
sent() { grep -c '"event":"change_sent"' "$LOG"; }
won() { [ "$(grep -c '"event":"leader_won"' "$LOG")" -ge "$1" ]; }
lost() { grep -q '"event":"leader_lost"' "$LOG"; }
at_rest() { kc wait --for=condition=Ready nia/pool --timeout=1s; }
# drain: the node that has the address is cordoned, the others are not
drain() {
	NODE=$(node_of $ONE)
	for node in node-1 node-2 node-3; do [ $node = "$NODE" ] || uncordon $node; done
	cordon "$NODE"
}

# apart: no change of ours was sent between the first and the last act of any of theirs
apart() {
	jq -Rr 'fromjson? | select(.event == "change_sent") |
		(.time[0:19] + "Z" | fromdate) * 1000 + (.time[20:23] | tonumber)' "$LOG" |
		while read -r at; do
			for acts in "$DIR"/old-*.acts; do
				[ "$at" -lt "$(head -1 "$acts")" ] || [ "$at" -gt "$(tail -1 "$acts")" ] ||
					echo "sent at $at, within $acts"
			done
		done >"$DIR/together"
	cat "$DIR/together"
	[ ! -s "$DIR/together" ]
}

# --- as it is found: the old one leads ----------------------------------------------
start_world --nodes 3 --addresses $ONE
install_crd
api POST "${LEASE%/*}" -o /dev/null -H 'Content-Type: application/json' --data-binary \
	'{"apiVersion":"coordination.k8s.io/v1","kind":"Lease",
	"metadata":{"name":"ip-address-controller-leader"},
	"spec":{"holderIdentity":"","leaseDurationSeconds":5}}'
old_starts old-1
eventually 20 "the old controller leads" holder_is old-1
eventually 20 "and has put the address on a node" attached $ONE
allocation pool $ONE >/dev/null
our_pod
start_ipwarden
eventually 30 "ipwarden starts beside it" all_ready
eventually 20 "and is ready" ready
# the old one does not renew its lease
eventually 30 "it takes the lease over" won 1
eventually 20 "but says why it waits" says pool Ready "Unknown $SAYS""old-1"
eventually 20 "in an event" event OtherControllerRunning kube-system/old-1
check "in the log" grep -q '"event":"other_controller_running","pod":"kube-system/old-1"' "$LOG"
check "and stays ready" ready
drain
eventually 30 "the old one goes on acting" moved $ONE "$NODE"
is "ipwarden has changed nothing at the cloud" "$(sent)" 0
is "nor in the cluster but its status" "$(jq -r .what "$AUDIT" | sort -u)" status
is "its pod is not called the leader" "$(mark)" ""

# --- the old one goes ---------------------------------------------------------------
where=$(node_of $ONE)
old_ends old-1
eventually 30 "when it is gone ipwarden goes on" at_rest
is "the address stays where it was" "$(node_of $ONE)" "$where"
eventually 10 "its node is labelled" label_is "$where" netinfra.darkbrains.com/allocation pool
eventually 10 "the leader's pod is marked" mark_is true
drain
eventually 30 "the address moves" moved $ONE "$NODE"
eventually 30 "and is at rest" at_rest

# --- it comes back ------------------------------------------------------------------
before=$(sent)
old_starts old-2
eventually 20 "another one comes: ipwarden waits" says pool Ready "Unknown $SAYS""old-2"
is "its pod is there, so it keeps the lease" "$(holder)" ipwarden-0
drain
remove_object $PODS/ipwarden-0
eventually 30 "without its pod the old one takes the lease" lost
eventually 30 "and acts" moved $ONE "$NODE"
eventually 30 "ipwarden takes it back in time" won 2
drain
eventually 30 "the old one goes on acting" moved $ONE "$NODE"
is "ipwarden does not" "$(sent)" "$before"
our_pod
old_ends old-2
drain
eventually 30 "it is gone: ipwarden acts again" moved $ONE "$NODE"
eventually 30 "and is at rest" at_rest
check "never did both act" apart
check "the old one did" test -s "$DIR/old-1.acts" -a -s "$DIR/old-2.acts"
check "no violations" no_violations
judge | sed 's/^/# /'
