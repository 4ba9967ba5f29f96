#!/bin/sh
# Where each address was, in ConfigMaps of the days (ipwarden --store-in-cm), and what
# `ipwardenctl who` makes of them.
. "$SRC/tests/system/lib.sh"

ONE=34.82.10.1
TWO=34.82.10.2
MAPS=/api/v1/namespaces/default/configmaps
LEASE_DURATION=5
LEASE_SKEW_GRACE_SEC=1

start_world --nodes 4 --addresses $ONE,$TWO
install_crd
kc apply --validate=false -f "$SRC/deploy/components/footprints/rbac.yaml" >/dev/null
deployment web

# The day must not turn while this runs.
turns_in=$((86400 - $(date +%s) % 86400))
[ $turns_in -gt 180 ] || sleep $turns_in
DAY=ipwarden-addresses-$(date -u +%Y%m%d)

map() { api GET "$MAPS/$DAY"; }
# stays ADDRESS: its lines, as an array
stays() { map | jq -cs --arg a "$1" '[.[0].data[$a] // "" | split("\n")[] |
	select(. != "") | fromjson]'; }
# stay ADDRESS N FILTER: of one of them, the last one is -1
stay() { stays "$1" | jq -r ".[$2] | $3"; }
stay_is() { [ "$(stay "$1" "$2" "$3")" = "$4" ]; }
writes() {
	jq -c --arg p "$MAPS" 'select(.resource == "configmaps" and .status < 300 and
		(.verb == "create" or .verb == "update") and (.path | startswith($p)))' \
		"$DIR/requests.jsonl" | grep -c ipwarden-addresses
}
who() { env -u KUBECONFIG "$STAGE/bin/ipwardenctl" who --kubeconfig "$KUBECONFIG" "$@"; }

put_object "$(jq -nc --arg at "$(date -u -d "-100 days" +%FT%TZ)" '{apiVersion: "v1",
	kind: "ConfigMap", metadata: {name: "ipwarden-addresses-20200101", namespace: "default",
	creationTimestamp: $at, labels: {app: "ipwarden", type: "address-history"}},
	data: {"192.0.2.1": ""}}')" >/dev/null

replica 0 elsewhere False --store-in-cm
INTERVAL=5 WORKLOAD=web allocation web $ONE >/dev/null
eventually 20 "an address is attached" attached $ONE
N1=$(node_of $ONE)
eventually 40 "its stay is written" stay_is $ONE -1 .node "$N1"
is "by whom, where, and for what" "$(stay $ONE -1 \
	'[.zone, .allocation, .source] | join(" ")')" "us-west1-a web operation"
is "its members, in order" "$(map | jq -r --arg a $ONE '.data[$a] | split("\n")[0] |
	fromjson | keys_unsorted | join(" ")')" "node zone allocation from until source"
is "labels" "$(map | jq -cS .metadata.labels)" '{"app":"ipwarden","type":"address-history"}'
is "times are UTC, with milliseconds" "$(stay $ONE -1 '[.from, .until] |
	all(test("^20..-..-..T..:..:..[.]...Z$"))')" true
eventually 10 "what is older than 90 days is deleted" eval \
	'! api GET $MAPS/ipwarden-addresses-20200101'
check "the audit stream has it" grep -q '"what":"history","object":"default/'"$DAY"'"' "$AUDIT"
merge_patch "$MAPS/$DAY" '{"data":{"theirs":"kept"}}'
count=$(writes)

# --- it moves -------------------------------------------------------------------------
cordon "$N1"
eventually 30 "the node is cordoned: the address moves" moved $ONE "$N1"
N2=$(node_of $ONE)
eventually 40 "its next stay is written" stay_is $ONE -1 .node "$N2"
is "ipwarden did it" "$(stay $ONE -1 .source)" operation
is "one after the other" "$(stays $ONE | jq '[.[:-1], .[1:]] | transpose |
	all(.[0].until <= .[1].from)')" true
# before it was attached, and on its way, it may have been seen at no node
AT=$(stays $ONE | jq -r --arg n "$N1" 'map(select(.node == $n)) | last | .from // ""')
check "the one before was there" test -n "$AT"
is "what is not ours stays" "$(map | jq -r .data.theirs)" kept
uncordon "$N1"

# --- a foreign hand -------------------------------------------------------------------
edit_allocation web '{"policy":"Observe"}'
eventually 10 "it only looks on" eval '[ "$(api GET $NIA/web |
	jq -r .spec.policy)" = Observe ]'
detach_by_hand "$N2"
eventually 60 "somebody takes it off: it is at no node" stay_is $ONE -1 .node ""
is "as was seen" "$(stay $ONE -1 .source)" observed

# --- another leader goes on -----------------------------------------------------------
before=$(stays $ONE | jq length)
replica 1 elsewhere True --store-in-cm
kill -KILL "$MAIN_0"
others_but "$MAIN_0"
leads() { grep -q '"event":"leader_won"' "$DIR/ipwarden-1.log"; }
eventually 20 "the leader is killed: the other one leads" leads
until=$(stay $ONE -1 .until)
attach_by_hand "$N2" $ONE
eventually 60 "and goes on with the day" stay_is $ONE -1 .node "$N2"
is "with one stay more" "$(stays $ONE | jq length)" $((before + 1))
is "the one before was lengthened, not begun anew" "$(stays $ONE |
	jq --arg u "$until" '.[-2].until >= $u')" true

# --- who ------------------------------------------------------------------------------
# of the pods it may say that they were not watched then, yet
who $ONE --at "$AT" >"$DIR/who"
check "who $ONE --at TIME says the node of that time" grep -q "^$ONE was on $N1 at" "$DIR/who"
LOG=$DIR/ipwarden-1.log
check "no violations" no_violations
