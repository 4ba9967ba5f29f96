#!/bin/sh
# What the cloud refuses, or does not have, is told by its reason: in the status of the
# address, in the conditions, and with words that say what to do. Nothing else is disturbed.
. "$SRC/tests/system/lib.sh"

ONE=34.82.10.1
TWO=34.82.10.2
THREE=34.82.10.3
FOUR=34.82.10.4
FIVE=34.82.10.5
ZONE=us-west1-a

start_world --nodes 4 --addresses $ONE,$TWO,$THREE,$FOUR,$FIVE
install_crd
start_ipwarden
eventually 30 "all processes are ready" all_ready
allocation pool $ONE >/dev/null
eventually 20 "one is attached" kc wait --for=condition=Ready nia/pool --timeout=1s

# reason ADDRESS STATE REASON WORDS: an allocation of that address alone comes to say so
reason() {
	name=$(echo "$3" | tr '[:upper:]' '[:lower:]')
	eventually 40 "$3" entry_is "$name" "$1" "$2 $3"
	check "$3: its words" entry_says "$name" "$1" "$4"
	eventually 5 "$3: Degraded" says "$name" Degraded "True $3: $1: "
	kc delete nia "$name" --wait=false >/dev/null
	clear_faults
}
# refuse PATH STATUS REASON MESSAGE: the next calls of the cloud there
refuse() {
	fault "$(jq -n --arg p "$1" --argjson s "$2" --arg r "$3" --arg m "$4" '{
		target: "gce", path: $p, status: $s, count: -1, body: {error: {code: $s,
		message: $m, errors: [{message: $m, domain: "global", reason: $r}]}}}')"
}

# --- it is not there, or not there ---------------------------------------------------
allocation addressnotfound 34.99.0.1 >/dev/null
reason 34.99.0.1 Blocked AddressNotFound "not reserved in sim-project/us-west1"
control POST /gce/addresses --data-binary \
	'{"region":"global","name":"everywhere","address":"34.99.0.2"}' >/dev/null
allocation addressisglobal 34.99.0.2 >/dev/null
reason 34.99.0.2 Blocked AddressIsGlobal "cannot be put on an instance"
apply - >/dev/null <<-YAML
	apiVersion: netinfra.darkbrains.com/v1alpha1
	kind: NetIPAllocation
	metadata: {name: addressinotherregion}
	spec: {cloud: {provider: gcp, region: us-east1}, nodeSelector: {pool: static},
	  reservedIPs: [$TWO]}
YAML
reason $TWO Blocked AddressInOtherRegion "$TWO is reserved in us-west1, not in us-east1"

# --- the cloud refuses --------------------------------------------------------------
refuse addAccessConfig 400 invalid \
	"The network tier of the external IP address is STANDARD, of the access config PREMIUM."
allocation tiermismatch $THREE >/dev/null
reason $THREE Blocked TierMismatch "The network tier of the external IP address is STANDARD"
refuse addAccessConfig 403 forbidden \
	"Required 'compute.instances.addAccessConfig' permission for 'projects/sim-project'"
allocation nopermission $FOUR >/dev/null
reason $FOUR Blocked NoPermission "missing permission compute.instances.addAccessConfig"
fault '{"target":"gce","path":"addAccessConfig","count":-1,
	"operation_error":"IP_IN_USE_BY_ANOTHER_RESOURCE"}'
allocation inuse $FIVE >/dev/null
reason $FIVE Blocked InUse IP_IN_USE_BY_ANOTHER_RESOURCE
is "the first one is where it was" "$(condition pool Ready)" "True AllAttached"

# --- it is not known ----------------------------------------------------------------
refuse /addresses 403 rateLimitExceeded "Rate Limit Exceeded"
eventually 40 "Throttled" entry_is pool $ONE "Unknown Throttled"
check "Throttled: its words" entry_says pool $ONE "Rate Limit Exceeded"
eventually 5 "Throttled: Degraded" says pool Degraded "True Throttled: $ONE: "
clear_faults
eventually 90 "it comes back after that" says pool Ready "True AllAttached"
fault '{"target":"gce","drop_before":true,"count":-1}'
eventually 40 "CloudUnreachable" entry_is pool $ONE "Unknown CloudUnreachable"
check "CloudUnreachable: its words" entry_says pool $ONE "Empty reply from server"
clear_faults
eventually 60 "and after that" says pool Ready "True AllAttached"

# --- somebody else takes it ---------------------------------------------------------
control POST /gce/instances --data-binary \
	'{"zone":"'$ZONE'","name":"stranger","ours":false}' >/dev/null
control POST /gce/settings --data-binary '{"operation_latency_ms":2000}' >/dev/null
NODE=$(node_of $ONE)
cordon "$NODE"
nowhere() { ! attached $ONE; }
eventually 30 "an address is on its way" nowhere
take() { control POST /gce/foreign-attach --data-binary '{"zone":"'$ZONE'",
	"name":"stranger","address":"'$ONE'"}'; }
eventually 5 "a foreign hand takes it" take
eventually 30 "TakenDuringMove" event TakenDuringMove stranger
eventually 20 "and then it is held elsewhere" entry_is pool $ONE "Blocked HeldElsewhere"
is "it stays with its new holder" "$(node_of $ONE)" stranger
check "no violations" no_violations
judge | sed 's/^/# /'
