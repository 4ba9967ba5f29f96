#!/bin/sh
# Bad input is refused where it comes in; what is stored all the same (under an older
# definition, say) is told by a condition or an event in words that say what is wrong,
# and harms nothing beside it.
. "$SRC/tests/system/lib.sh"

GOOD=34.82.10.1
MOVES=34.82.10.2
SPARE=34.82.10.3

start_world --nodes 4 --addresses $GOOD,$MOVES,$SPARE
# The definition of old: it has no formats, sets, limits or enumerations to check.
old_definition() {
	kc create --dry-run=client --validate=false -o json \
		-f "$SRC/crds/netipallocation.yaml" |
		jq 'del(.. | .format?, .enum?, .maxItems?, .minimum?, .pattern?) |
			del(.. | ."x-kubernetes-list-type"? | select(. == "set"))'
}
old_definition | apply - >/dev/null
until_true 10 kc get nia

spec() { # NAME SPEC: created by kubectl, as a user would
	jq -n --arg n "$1" --argjson s "$2" '{
		apiVersion: "netinfra.darkbrains.com/v1alpha1", kind: "NetIPAllocation",
		metadata: {name: $n},
		spec: ({cloud: {provider: "gcp", region: "us-west1"}, reconcileInterval: 5,
			nodeSelector: {pool: "static"}, policy: "Sync"} + $s)}' |
		kc create --validate=false -f -
}

spec malformed '{"reservedIPs": ["300.1.2.3", "34.82.10.9 ", "::1", "x\";rm -rf"]}' >/dev/null
spec twice '{"reservedIPs": ["'$SPARE'", "'$SPARE'"], "nodeSelector": {"pool": "none"}}' \
	>/dev/null
spec amazon '{"cloud": {"provider": "aws"}, "reservedIPs": ["'$GOOD'"]}' >/dev/null
spec unheard '{"cloud": {"provider": "nimbus"}, "reservedIPs": ["'$GOOD'"]}' >/dev/null
spec unreserved '{"reservedIPs": ["34.82.99.9"]}' >/dev/null
spec nothing '{"reservedIPs": []}' >/dev/null
spec huge "$(jq -nc '{reservedIPs: [range(300) | "34.90.\(. / 250 | floor).\(. % 250)"]}')" \
	>/dev/null
spec abroad '{"cloud": {"provider": "gcp", "region": "europe-west1"},
	"reservedIPs": ["34.82.99.8"]}' >/dev/null
spec strange '{"policy": "Whatever", "reservedIPs": ["34.82.99.7"]}' >/dev/null
spec job '{"workloadRef": {"kind": "Job", "name": "x", "namespace": "default"},
	"reservedIPs": ["34.82.99.6"]}' >/dev/null
spec a.name-that.is-long.$(printf 'x%.0s' $(seq 200)) \
	'{"reservedIPs": ["34.82.99.5"]}' >/dev/null
start_ipwarden
eventually 30 "all processes are ready" all_ready

# --- the good one beside them -------------------------------------------------------
deployment web
WORKLOAD=web allocation good $GOOD >/dev/null
check "a good allocation goes on beside eleven bad ones" \
	kc wait --for=condition=Ready nia/good --timeout=20s
is "with its address" "$(condition good Ready) $(attached $GOOD && echo attached)" \
	"True AllAttached attached"

# --- what the bad ones say ----------------------------------------------------------
# tells NAME REASON WORDS: in its Ready condition, and as an event
tells() {
	eventually 10 "$1: the condition says it" says "$1" Ready "False $2"
	check "$1: in words" says "$1" Ready "$3"
	eventually 10 "$1: the event says it" event "$2" "$3"
}
tells malformed InvalidAddress 'spec.reservedIPs[0]: "300.1.2.3" is no IPv4 address'
eventually 10 "each malformed one is told: a blank" \
	event InvalidAddress 'spec.reservedIPs[1]: "34.82.10.9 " is no IPv4 address'
eventually 10 "IPv6" event InvalidAddress 'spec.reservedIPs[2]: "::1" is no IPv4 address'
eventually 10 "and quotes" event InvalidAddress 'spec.reservedIPs[3]: "x";rm -rf"'
eventually 10 "twice: the second one is told" \
	event Duplicate 'spec.reservedIPs[1]: "'$SPARE'" is in the list already'
eventually 10 "twice: a selector that matches nothing" \
	entry_is twice $SPARE "Blocked NoEligibleNode"
tells twice NoEligibleNode "$SPARE: 0/4 nodes: 4 not selected"
tells amazon ProviderNotSupported "provider aws is not supported, only gcp is"
tells unheard ProviderNotSupported "provider nimbus is not supported, only gcp is"
tells unreserved AddressNotFound "34.82.99.9: not reserved in sim-project/"
check "unreserved: each place that was searched" says unreserved Ready \
	"sim-project/us-west1, nor a global address"
tells huge TooManyAddresses "spec.reservedIPs has 300 addresses, 256 are the most"
tells abroad AddressNotFound "34.82.99.8: not reserved in"
tells strange InvalidSpec "spec.policy Whatever is not known"
tells job InvalidSpec "spec.workloadRef.kind Job is no Deployment, StatefulSet or DaemonSet"
check "an empty list is Ready: nothing is missing" says nothing Ready "0 of 0 attached"
LONG=$(kc get nia -o name | grep 'a.name-that' | cut -d/ -f2)
eventually 10 "a long name is no hindrance" says "$LONG" Ready "False AddressNotFound"
is "a refusal is told once" "$(api GET /api/v1/events |
	jq '[.items[] | select(.reason == "TooManyAddresses")] | length')" 1

# --- a workload that does not exist -------------------------------------------------
WORKLOAD=nowhere allocation lost $MOVES >/dev/null
eventually 15 "without its workload an address is attached" attached $MOVES
eventually 10 "and at rest" entry_is lost $MOVES "Attached Attached"
NODE=$(node_of $MOVES)
cordon "$NODE"
eventually 10 "but does not move" entry_is lost $MOVES "Draining WorkloadNotFound"
check "which says why" entry_says lost $MOVES \
	"workload default/nowhere does not exist; nothing moves"
check "so does Degraded" says lost Degraded "True WorkloadNotFound"
eventually 10 "and an event" event WorkloadNotFound "default/nowhere does not exist"
is "it is where it was" "$(node_of $MOVES)" "$NODE"

# --- the definition of today refuses -------------------------------------------------
install_crd
refused() { # SPEC WORDS
	text=$(spec new "$1" 2>&1) && return 1
	say "$text"
	case $text in *"$2"*) ;; *) return 1 ;; esac
}
eventually 10 "a malformed address is refused, the field named" refused \
	'{"reservedIPs": ["34.82.10.8", "300.1.2.3"]}' \
	'spec.reservedIPs[1]: Invalid value: "300.1.2.3"'
check "a duplicate" refused '{"reservedIPs": ["34.82.10.8", "34.82.10.8"]}' \
	'spec.reservedIPs[1]: Duplicate value: "34.82.10.8"'
check "an unknown provider" refused \
	'{"cloud": {"provider": "nimbus"}, "reservedIPs": []}' 'spec.cloud.provider'
check "an interval that is too short" refused \
	'{"reconcileInterval": 1, "reservedIPs": []}' 'spec.reconcileInterval'
check "too many addresses" refused \
	"$(jq -nc '{reservedIPs: [range(300) | "34.90.\(. / 250 | floor).\(. % 250)"]}')" \
	'spec.reservedIPs'
check "no list at all" refused '{"reservedIPs": null}' 'spec.reservedIPs'
is "by the API server's 422" "$(curl -sS -o /dev/null -w '%{http_code}' -X POST \
	--cacert "$SIM_CA" -H "Authorization: Bearer $KUBE_TOKEN" \
	-H 'Content-Type: application/json' "$KUBE_URL$NIA" --data-binary '{
	"apiVersion":"netinfra.darkbrains.com/v1alpha1","kind":"NetIPAllocation",
	"metadata":{"name":"new"},"spec":{"cloud":{},"reservedIPs":["300.1.2.3"]}}')" 422

# what is stored and no longer valid cannot be given a status: the event remains
put_object '{"apiVersion":"netinfra.darkbrains.com/v1alpha1","kind":"NetIPAllocation",
	"metadata":{"name":"late"},"spec":{"cloud":{"provider":"gcp"},
	"reservedIPs":["1.2.3.400"]}}' >/dev/null
eventually 10 "an invalid object that cannot be given a status is told as an event" \
	event InvalidAddress 'spec.reservedIPs[0]: "1.2.3.400" is no IPv4 address'
check "the good one is still Ready" says good Ready "True AllAttached"
check "every process lived through it" all_ready
is "none was started anew" "$(grep -c '"event":"spawned"' "$LOG")" 8
check "no violations" no_violations
