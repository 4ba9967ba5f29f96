#!/bin/sh
# Addresses of deleted objects: released once no pod of the workload needs them, handed
# over in place, left where they are when that is wanted; through the death of the
# reconciler and the cloudworker in the middle. And addresses that left the list.
. "$SRC/tests/system/lib.sh"

A=34.82.10.1
B=34.82.10.2
C=34.82.10.3
D=34.82.10.4
FINALIZER=netinfra.darkbrains.com/release-ips
CRD=netipallocations.netinfra.darkbrains.com
export WORKLOAD=web

start_world --nodes 4 --addresses $A,$B,$C,$D --ephemeral
install_crd
deployment web
start_ipwarden
eventually 30 "all processes are ready" all_ready

finalizers() { api GET "$NIA/$1" | jq -r '.metadata.finalizers // [] | join(",")'; }

gone() { ! api GET "$NIA/$1" 2>/dev/null; }

free() { [ -z "$(node_of "$1")" ]; }

bare() { label_is "$1" ip.ready "" && label_is "$1" netinfra.darkbrains.com/address ""; }

ephemeral() { control GET /gce/state | jq -e --arg n "$1" \
	'.instances[] | select(.name == $n) | (.external_ip // .externalIP // "") != ""'; }

# on NAME ADDRESS...: the object with these is Ready
on() {
	allocation "$@" >/dev/null
	eventually 30 "$1 is Ready" kc wait --for=condition=Ready "nia/$1" --timeout=1s
}

# ask NAME: as kubectl does that does not wait
ask() { kc delete nia "$1" --wait=false >/dev/null; }

# spec NAME JSON, note NAME KEY JSON
spec() { merge_patch "$NIA/$1" '{"spec":'"$2"'}'; }
note() { merge_patch "$NIA/$1" \
	'{"metadata":{"annotations":{"netinfra.darkbrains.com/'"$2"'":'"$3"'}}}'; }

# --- in use, then released ----------------------------------------------------------
on web $A
NODE=$(node_of $A)
is "the finalizer is on" "$(finalizers web)" $FINALIZER
is "it came before the first change at the cloud" "$(jq -r '.what' "$AUDIT" |
	grep -E '^(finalizer on|attach|detach)$' | head -1)" "finalizer on"
pod default/web-abc12-x1 "$NODE" web
ask web
eventually 20 "an address in use is held" entry_is web $A "Draining InUse"
check "the pod is named" entry_says web $A web-abc12-x1
check "the object says so" says web Ready "False InUse"
check "and that it is on its way" says web Progressing "True InUse"
eventually 10 "an event as well" event Held "web-abc12-x1"
lists=$(calls instances.list)
eventually 30 "three more looks at the cloud" more_calls instances.list $((lists + 2))
is "it has stayed, with its label" "$(node_of $A) $(label "$NODE" ip.ready)" "$NODE true"
remove_object "/api/v1/namespaces/default/pods/web-abc12-x1"
eventually 20 "the object goes with the last pod" gone web
check "the address is off" free $A
check "the labels are" bare "$NODE"
eventually 10 "the node has an address of its own" ephemeral "$NODE"
eventually 10 "which is told" event Detached "$A taken off $NODE and released"
check "and in the audit stream" grep -q '"what":"detach","object":"web","address":"'"$A"'"' \
	"$AUDIT"

# --- kubectl waits ------------------------------------------------------------------
on web $A $B
check "kubectl delete ends by itself" kc delete nia web --timeout=30s
check "both addresses are off" free $A
check "the second, too" free $B

# --- now, or never ------------------------------------------------------------------
on web $A
NODE=$(node_of $A)
pod default/web-abc12-x1 "$NODE" web
ask web
eventually 20 "held again" entry_is web $A "Draining InUse"
note web release-now '"true"'
eventually 20 "release-now does not wait" gone web
check "it is off" free $A

on web $A
NODE=$(node_of $A)
pod default/web-abc12-x1 "$NODE" web
ask web
eventually 20 "held once more" entry_is web $A "Draining InUse"
spec web '{"deletionPolicy":"Retain"}'
eventually 10 "Retain frees it at once" gone web
is "the address and the label stay" "$(node_of $A) $(label "$NODE" ip.ready)" "$NODE true"
eventually 10 "which is told" event Retained "deletionPolicy is Retain"
remove_object "/api/v1/namespaces/default/pods/web-abc12-x1"

on web $A
is "a new object adopts it there" "$(node_of $A)" "$NODE"
spec web '{"policy":"AssignOnly"}'
without() { [ -z "$(finalizers "$1")" ]; }
eventually 10 "who asks for no release has no finalizer" without web
spec web '{"policy":"Sync"}'
with() { [ "$(finalizers "$1")" = "$2" ]; }
eventually 10 "and gets it again" with web $FINALIZER
merge_patch "$NIA/web" '{"metadata":{"finalizers":["'$FINALIZER'","example.org/mine"]}}'
ask web
eventually 20 "a foreign finalizer outlives ours" with web example.org/mine
check "the address is off by then" free $A
merge_patch "$NIA/web" '{"metadata":{"finalizers":null}}'
eventually 10 "and goes when its owner takes it" gone web

# --- handed over --------------------------------------------------------------------
on first $A
NODE=$(node_of $A)
allocation second $A >/dev/null
eventually 20 "a second object that lists it waits" entry_is second $A "Blocked Conflict"
unlabelled() { jq -c --arg n "$NODE" 'select(.what == "unlabel" and .object == $n)' \
	"$AUDIT" | wc -l; }
before=$(unlabelled)
detaches=$(calls instances.deleteAccessConfig)
ask first
eventually 20 "the first goes" gone first
eventually 20 "the second has it" entry_is second $A "Attached Attached"
eventually 10 "the label is the second's" \
	label_is "$NODE" netinfra.darkbrains.com/allocation second
is "nothing was taken off" "$(calls instances.deleteAccessConfig) $(node_of $A)" \
	"$detaches $NODE"
is "ip.ready never went" "$(unlabelled)" "$before"

# --- no longer listed ---------------------------------------------------------------
allocation second $A $B >/dev/null
eventually 30 "a second address" entry_is second $B "Attached Attached"
NODE=$(node_of $B)
pod default/web-abc12-x3 "$NODE" web
spec second '{"reservedIPs":["'$A'"]}'
eventually 20 "what left the list is held while it is used" \
	entry_is second $B "Draining InUse"
is "the object does not count it" "$(condition second Ready)" "True AllAttached"
remove_object "/api/v1/namespaces/default/pods/web-abc12-x3"
eventually 20 "then it is off" free $B
forgotten() { [ -z "$(entry "$1" "$2")" ]; }
eventually 10 "and out of the status" forgotten second $B
check "the other has stayed" attached $A

# --- what is not known --------------------------------------------------------------
fault '{"target":"gce","method":"GET","path":"/instances","status":503,"count":-1}'
unknown() { entry second $A | grep -q '^Unknown '; }
eventually 60 "an outage: Unknown" unknown
detaches=$(calls instances.deleteAccessConfig)
ask second
eventually 20 "the object waits and says so" says second Ready "False CloudUnreachable"
is "nothing is taken" "$(calls instances.deleteAccessConfig) $(node_of $A | wc -w)" \
	"$detaches 1"
clear_faults
eventually 60 "afterwards it goes" gone second
check "the address is off" free $A

# --- the right to read the definition -----------------------------------------------
on web $A
fault '{"target":"kube","method":"GET","path":"customresourcedefinitions/'$CRD'",
	"status":403,"count":100000}'
ask web
eventually 20 "a definition that may not be read: it waits" \
	entry_is web $A "Unknown DefinitionUnknown"
check "and names the right" entry_says web $A customresourcedefinitions
check "so does the log" grep -q '"event":"right_missing".*customresourcedefinitions' "$LOG"
check "the address has stayed" attached $A
clear_faults
eventually 90 "with the right it goes on" gone web

# --- death in the middle ------------------------------------------------------------
journaled() { api GET "$NIA/web" | jq -e '[.status.addresses[].intent.step] |
	any(. == "Release")'; }
detaching() { more_calls instances.deleteAccessConfig "$detaches"; }
giving() { more_calls instances.addAccessConfig "$gifts"; }

# killed ROLE WHEN: dies when a release has come so far; the cloud is slow
killed() {
	on web $A $B
	detaches=$(calls instances.deleteAccessConfig)
	gifts=$(calls instances.addAccessConfig)
	fault '{"target":"gce","method":"POST","path":"AccessConfig","delay_ms":500,
		"count":-1}'
	ask web
	eventually 20 "a release is under way: $2" "$2"
	kill -9 "$(pid_of "$1")"
	clear_faults
	eventually 60 "$1 died while it was $2: the object goes" gone web
	is "both addresses are off" "$(node_of $A)$(node_of $B)" ""
}
killed reconciler journaled
killed reconciler detaching
killed reconciler giving
killed cloudworker journaled
killed cloudworker detaching
killed cloudworker giving
eventually 30 "all processes are ready" all_ready

# --- the definition goes ------------------------------------------------------------
on web $A $C
NODE=$(node_of $A)
detaches=$(calls instances.deleteAccessConfig)
check "the definition can be deleted" kc delete crd $CRD --timeout=30s
is "nothing was taken off" "$(calls instances.deleteAccessConfig) $(node_of $A)" \
	"$detaches $NODE"
is "the label stays" "$(label "$NODE" ip.ready)" true
install_crd
on web $A $C
is "and everything is where it was" "$(node_of $A)" "$NODE"
check "no violations" no_violations
judge | sed 's/^/# /'
