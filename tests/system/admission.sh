#!/bin/sh
# The ValidatingAdmissionPolicies of deploy/components/admission: kubectl applies them, and
# their CEL, evaluated by a package of npm (tests/deploy/policies.mjs), lets through what a
# run of ipwarden really changes and refuses the rest. No API server carries them out here.
. "$SRC/tests/system/lib.sh"

ONE=34.82.10.1
TWO=34.82.10.2
start_world --nodes 4 --addresses $ONE,$TWO
CEL=${NPM:-}/@marcbachmann/cel-js/lib/index.js
if ! command -v node >/dev/null || [ ! -f "$CEL" ]; then
	say "ok - $NAME: # SKIP no Node.js, or not the packages of npm"
	exit 0
fi

install_crd
check "kubectl applies them" apply "$SRC/deploy/rendered/admission.yaml"
kc get validatingadmissionpolicies -o json >"$DIR/policies.json"
put_object '{"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"kube-system",
	"name":"ipwarden-0","labels":{"app":"ip-address-controller",
	"app.kubernetes.io/name":"ipwarden"}},"spec":{"nodeName":"elsewhere",
	"containers":[{"name":"main","image":"none"}]},"status":{"phase":"Running"}}' >/dev/null

# --- what a run changes --------------------------------------------------------------
# seen FILE PATH: each state of these objects, from now on
seen() {
	api GET "$2?watch=1" -N >"$DIR/$1.seen" 2>/dev/null &
	OTHERS="$OTHERS $!"
}
seen nodes /api/v1/nodes
seen pods /api/v1/namespaces/kube-system/pods
seen netipallocations $NIA
start_ipwarden # under the world's identities
eventually 30 "all processes are ready" all_ready
allocation web $ONE $TWO >/dev/null
eventually 30 "attached" kc wait --for=condition=Ready nia/web --timeout=1s
NODE=$(node_of $ONE)
eventually 10 "labelled" label_is "$NODE" ip.ready true
cordon "$NODE"
eventually 30 "moved" moved $ONE "$NODE"
eventually 30 "at rest" entry_is web $ONE "Attached Attached"
uncordon "$NODE"
api DELETE $NIA/web -o /dev/null
deleted() { ! api GET $NIA/web; }
eventually 30 "and released" deleted

# Of two states, one after the other, those that ipwarden has made: a label of its own, the
# annotation or the finalizer is another.
# ours RESOURCE GROUP WHAT
ours() {
	jq -n -c --arg resource "$1" --arg group "$2" 'reduce inputs as $event ({last: {}, out: []};
		$event.object as $new | ($new.metadata.name // "") as $name | .last[$name] as $old |
		if $event.type == "MODIFIED" and $old != null and
			($new | '"$3"') != ($old | '"$3"') then
			.out += [{resource: [$group, $resource], object: $new, oldObject: $old}]
		else . end | .last[$name] = $new) | .out[]' "$DIR/$1.seen"
}
{
	ours nodes "" '[.metadata.labels | .["ip.ready"], .["netinfra.darkbrains.com/address"]]'
	ours pods "" '.metadata.annotations'
	ours netipallocations netinfra.darkbrains.com \
		'(if .metadata.deletionTimestamp then "" else .metadata.finalizers end)'
} | jq -s . >"$DIR/changes.json"

# --- what the policies say -----------------------------------------------------------
node "$SRC/tests/deploy/policies.mjs" "$CEL" "$DIR/policies.json" "$DIR/changes.json" \
	>"$DIR/said" 2>&1
sed 's/^ok - /# &/; s/^not ok/#   &/' "$DIR/said"
as_meant() { grep -q '^ok' "$DIR/said" && ! grep -v '^ok' "$DIR/said"; }
check "each of $(grep -c . "$DIR/said") is let through or refused as it should be" as_meant
check "no violations" no_violations
