#!/bin/sh
# At rest: what the cloud is asked in an interval does not depend on how many allocations
# there are, and the API server is not asked anything at all (the lease aside, whose
# renewals are ten minutes apart here).
. "$SRC/tests/system/lib.sh"

COUNT=100
LEASE_DURATION=3600
address_of() { echo "34.82.10.$1"; }

start_world --nodes 3 --addresses "$(seq -s, -f 34.82.10.%g $COUNT)"
install_crd
start_ipwarden
eventually 30 "all processes are ready" all_ready
eventually 30 "they have asked about their rights, which they do every hour" reviewed

# at_rest ALLOCATIONS ATTACHED: each has found its place, or that there is none, and all
# that there was to tell has been told
at_rest() {
	api GET "$NIA" | jq -e --argjson n "$1" --argjson attached "$2" '
		(.items | length) == $n and
		all(.items[]; .status.observedGeneration == .metadata.generation and
			all(.status.addresses[]; .state == "Attached" or .state == "Spare")) and
		([.items[].status.attached] | add) == $attached' &&
		api GET /api/v1/events | jq -e --argjson attached "$2" \
			'[.items[] | select(.reason == "Attached" and
				.involvedObject.kind == "NetIPAllocation")] | length == $attached'
}

all_calls() {
	control GET /gce/calls | jq -c 'with_entries(select(.key != "metadata.token"))'
}

# as often as addresses: no look at the cloud is half done
between_looks() { all_calls | jq -e '.["instances.list"] == .["addresses.list"]'; }

two_looks_later() {
	all_calls | jq -e --argjson b "$before" \
		'.["instances.list"] >= $b["instances.list"] + 2 and
		.["addresses.list"] >= $b["addresses.list"] + 2'
}

# intervals WHAT: sets calls to what two intervals cost; during them, the first request
# to the API server, whatever it is, would be answered with 418
intervals() {
	until_true 20 between_looks
	before=$(all_calls)
	fault '{"target":"kube","status":418}'
	eventually 30 "two intervals with $1" two_looks_later
	calls=$(all_calls | jq -c --argjson b "$before" \
		'with_entries(.value -= $b[.key]) | with_entries(select(.value != 0))')
	is "the API server was not asked anything with $1" \
		"$(curl -sS -o /dev/null -w '%{http_code}' --cacert "$SIM_CA" \
			-H "Authorization: Bearer $KUBE_TOKEN" "$KUBE_URL/version")" 418
	clear_faults
}

allocation n1 "$(address_of 1)" >/dev/null
eventually 20 "one allocation is at rest" at_rest 1 1
intervals "1 allocation"
is "what two intervals cost with 1 allocation" "$calls" \
	'{"instances.list":2,"addresses.list":2}'

# the same manifest for each, in one go
for i in $(seq 2 $COUNT); do
	jq -n --arg name "n$i" --arg address "$(address_of "$i")" '{
		apiVersion: "netinfra.darkbrains.com/v1alpha1", kind: "NetIPAllocation",
		metadata: {name: $name},
		spec: {cloud: {provider: "gcp", region: "us-west1"}, reconcileInterval: 5,
			nodeSelector: {pool: "static"}, reservedIPs: [$address]}}'
done >"$DIR/many.json"
kc create --validate=false -f "$DIR/many.json" >/dev/null
eventually 40 "$COUNT allocations are at rest" at_rest $COUNT 3
intervals "$COUNT allocations"
is "what two intervals cost with $COUNT allocations" "$calls" \
	'{"instances.list":2,"addresses.list":2}'
is "those without a node say that others hold all of them" \
	"$(kc get nia --no-headers | awk '{ print $6 }' | sort | uniq -c | xargs)" \
	"3 AllAttached 97 NodeHoldsAnother"
check "no violations" no_violations
