#!/bin/sh
# What ipwarden tells as events, where kubectl shows it: of the allocation, the node and
# the workload; and that what repeats is told as a series.
. "$SRC/tests/system/lib.sh"

ONE=34.82.10.1
TWO=34.82.10.2

start_world --nodes 4 --addresses $ONE,$TWO
install_crd
deployment web
start_ipwarden
eventually 30 "all processes are ready" all_ready
WORKLOAD=web
allocation web $ONE >/dev/null
eventually 20 "it is attached" kc wait --for=condition=Ready nia/web --timeout=1s
NODE=$(node_of $ONE)

# of KIND NAME REASON: the note of such an event, as events.k8s.io has it
of() {
	api GET /apis/events.k8s.io/v1/events | jq -r --arg k "$1" --arg n "$2" \
		--arg r "$3" '[.items[] | select(.regarding.kind == $k and
			.regarding.name == $n and .reason == $r)][0].note // ""'
}
told() { # KIND NAME REASON WORDS
	note=$(of "$1" "$2" "$3")
	say "$note"
	case $note in *"$4"*) ;; *) return 1 ;; esac
}
# describes WHAT NAME WORDS: kubectl describe shows an event with these words
describes() { kc describe "$1" "$2" | grep -F "$3"; }

eventually 10 "the allocation: attached" told NetIPAllocation web Attached \
	"$ONE attached to $NODE"
eventually 10 "the node: attached" told Node "$NODE" Attached "$ONE attached to $NODE"

# --- a move -------------------------------------------------------------------------
pod default/web-abc12-a "$NODE" web
cordon "$NODE"
eventually 15 "held, while a pod needs it" told NetIPAllocation web Held \
	"$ONE on $NODE, which is leaving; in use by 1 pod (web-abc12-a)"
eventually 10 "the node: held" told Node "$NODE" Held "in use by 1 pod"
remove_object /api/v1/namespaces/default/pods/web-abc12-a
eventually 20 "then it moves" moved $ONE "$NODE"
NEXT=$(node_of $ONE)
eventually 15 "the allocation: moved" told NetIPAllocation web Moved \
	"$ONE moved $NODE→$NEXT, nowhere for "
eventually 10 "the new node: moved" told Node "$NEXT" Moved "moved $NODE→$NEXT"
eventually 10 "the old node: detached" told Node "$NODE" Detached "taken off $NODE"
eventually 10 "the workload: moved" told Deployment web Moved "moved $NODE→$NEXT"

# --- what kubectl shows -------------------------------------------------------------
check "kubectl describe nia" describes nia web "moved $NODE→$NEXT"
# one of 1.20 asks for events whose uid is the node's name, as the kubelet has them
minor=$(kc version --client -o json | jq -r .clientVersion.minor | tr -cd 0-9)
[ "$minor" -le 20 ] ||
	check "kubectl describe node" describes node "$NEXT" "moved $NODE→$NEXT"
check "kubectl describe deployment" describes deployment web "moved $NODE→$NEXT"
kc get events >"$DIR/events"
check "kubectl get events" grep -E "Normal +Moved +netipallocation/web" "$DIR/events"
is "all say who tells, and what was done" "$(api GET /apis/events.k8s.io/v1/events |
	jq -c '[.items[] | select(.reportingController != "ipwarden" or
		.reportingInstance != "ipwarden-0" or .action == "" or
		(.eventTime | endswith("Z") | not))] | length')" 0
is "those of what has no namespace live in default" \
	"$(api GET /apis/events.k8s.io/v1/events | jq -r \
		'[.items[].metadata.namespace] | unique | join(" ")')" default

# --- the same again -----------------------------------------------------------------
pod default/web-abc12-b "$NEXT" web
cordon "$NEXT"
eventually 15 "held there, too" told Node "$NEXT" Held "in use by 1 pod (web-abc12-b)"
uncordon "$NEXT"
eventually 15 "at rest" entry_is web $ONE "Attached Attached"
cordon "$NEXT"
in_series() { api GET /apis/events.k8s.io/v1/events | jq -e --arg n "$NEXT" \
	'[.items[] | select(.regarding.name == $n and .reason == "Held")] |
		length == 1 and .[0].series.count == 2 and
		.[0].series.lastObservedTime > .[0].eventTime'; }
eventually 15 "the second time is a series of the first event" in_series
uncordon "$NEXT"

# --- an address of somebody else ----------------------------------------------------
control POST /gce/hold --data-binary '{"address":"'$TWO'",
	"user":"projects/demo/regions/us-west1/forwardingRules/front"}' >/dev/null
allocation other $TWO >/dev/null
eventually 20 "held elsewhere" told NetIPAllocation other HeldElsewhere \
	forwardingRules/front
check "no violations" no_violations
