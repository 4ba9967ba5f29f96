#!/bin/sh
# ipwarden is taken away again, in the words of deploy/README.md: in the order that stands
# there, and in others. No address leaves a node that is not to be released, and nothing
# is left that cannot be deleted.
. "$SRC/tests/system/lib.sh"
. "$SRC/tests/system/installed.sh"

A=34.82.10.1
B=34.82.10.2
C=34.82.10.3
D=34.82.10.4
E=34.82.10.5
CRD=netipallocations.netinfra.darkbrains.com
REPLICA=ip-address-controller
AWAY="Taking it away"
export WORKLOAD=web

start_world --nodes 6 --addresses $A,$B,$C,$D,$E
rights_count
deployment web

# install: in the words of the paper; then a pod runs
born=0
install() {
	check "installed" page Installing 1
	until_true 10 kc get nia
	pod_runs
}
pod_runs() {
	born=$((born + 1))
	as_pods
	replica $REPLICA-$born node-6
}
pod_ends() { replica_ends $REPLICA-$born; }
# on NAME ADDRESS...: the object with these is Ready
on() {
	allocation "$@" >/dev/null
	eventually 30 "$1 is Ready" says "$1" Ready "True "
}
detaches() { grep -c '"fact":"detach"' "$ATTACHMENTS_LOG"; }
places() { for address in "$@"; do node_of "$address"; done | tr '\n' ' '; }
labelled() { for address in "$@"; do label "$(node_of "$address")" ip.ready; done | tr '\n' ' '; }
gone() { ! api GET "$NIA/$1"; }
no_definition() { ! kc get crd $CRD; }
waits() { api GET "$NIA/$1" | jq -e '.metadata.deletionTimestamp != null'; }
# left: what there is of ipwarden
left() {
	kc get crd,clusterroles,clusterrolebindings -o name | grep -E "$REPLICA|netinfra|ipwarden"
	kc get -n "$NAMESPACE" -o name deployments,serviceaccounts,roles,rolebindings,leases,poddisruptionbudgets,networkpolicies |
		grep -E "$REPLICA|ipwarden"
}

# --- in the documented order ----------------------------------------------------------

install
check "an object as the paper has it is Ready" page Installing 2 "s/203.0.113.10/$A/"
on used $B
pod default/web-abc12-x "$(node_of $B)" web
on kept $C
edit_allocation kept '{"deletionPolicy":"Retain"}'
spec_allocation assigned '{"reservedIPs":["'$D'"],"nodeSelector":{"pool":"static"},
	"policy":"AssignOnly"}'
eventually 30 "assigned is Ready" says assigned Ready "True "
spec_allocation seen '{"reservedIPs":["'$E'"],"nodeSelector":{"pool":"static"},
	"policy":"Observe"}'
attach_by_hand node-5 $E
eventually 20 "seen is Ready" says seen Ready "True "
before=$(places $C $D $E)
page "$AWAY" 1 >"$DIR/away" 2>&1 &
OTHERS="$OTHERS $!"
away=$!
eventually 20 "an address in use holds it up" entry_is used $B "Draining InUse"
objects() { api GET "$NIA" | jq -r '[.items[].metadata.name] | join(" ")'; }
objects_are() { [ "$(objects)" = "$1" ]; }
eventually 20 "all others go" objects_are used
remove_object /api/v1/namespaces/default/pods/web-abc12-x
code=0
wait $away || code=$?
others_but $away
is "without the pod the commands come to their end" $code 0
pod_ends
is "what was to be released is on no node" "$(places $A $B)" "  "
is "what was not is where it was" "$(places $C $D $E)" "$before"
is "nothing else was taken off" "$(detaches)" 2
is "with its labels, where it had them" "$(labelled $C $D)" "true true "
is "nothing is left" "$(left)" ""
page "$AWAY" 3 >"$DIR/out" 2>&1
is "the labels go with the command that stands there" "$(kc get nodes -o name -l ip.ready)" ""

# --- ipwarden first -------------------------------------------------------------------

# note: what is, untouched: it still is
note() {
	before=$(places $A $B)
	taken=$(detaches)
}
untouched() {
	is "no address was touched" "$(places $A $B)$(detaches)" "$before$taken"
	is "no label either" "$(labelled $A $B)" "true true "
}
# alone: ipwarden goes
alone() {
	note
	check "kubectl delete -k deploy/" kc delete -k "$SRC/deploy"
	pod_ends
}
own_namespace() {
	kc apply --validate=false -f "$SRC/crds" && kc create namespace ipwarden || return 1
	sed 's/namespace: kube-system/namespace: ipwarden/' "$SRC/deploy/rendered/base.yaml" |
		apply -
}
installed_in ipwarden
check "installed in a namespace of its own" own_namespace
until_true 10 kc get nia
pod_runs
on web $A
on used $B
pod default/web-abc12-x "$(node_of $B)" web
note
check "which is deleted while it runs" kc delete namespace ipwarden --timeout=30s
pod_ends
untouched
kc delete nia --all --wait=false >/dev/null
kc delete crd $CRD --wait=false >/dev/null
check "without it a deleted object waits" waits web
check "the finalizers are taken off by the command that stands there" page "$AWAY" 4
eventually 10 "the definition goes, too" no_definition
untouched

installed_in kube-system
install
on web $A
on used $B
alone
kc delete crd $CRD --wait=false >/dev/null
check "a deleted definition waits" waits web
check "installed again while it is on its way out" kc apply --validate=false -k "$SRC/deploy"
pod_runs
eventually 30 "it goes" no_definition
untouched

check "with a definition again" kc apply --validate=false -f "$SRC/crds"
until_true 10 kc get nia
on web $A
on used $B
alone
kc delete nia --all --wait=false >/dev/null
install
eventually 20 "installed again it releases what is to be released" gone web
is "which is on no node" "$(places $A)" " "
eventually 20 "and waits for what is used" entry_is used $B "Draining InUse"
check "until all are to be left by the command that stands there" page "$AWAY" 2
eventually 10 "then that goes, too" gone used
is "and the address stays" "$(labelled $B)$(detaches)" "true $((taken + 1))"

# --- the definition first -------------------------------------------------------------

on web $A
on used $B
note
check "kubectl delete -f crds/ while it runs" kc delete -f "$SRC/crds" --timeout=30s
untouched
check "and once more applied" kc apply --validate=false -f "$SRC/crds"
until_true 10 kc get nia
on web $A
on used $B
untouched

# --- its rights and accounts ----------------------------------------------------------

leads() { metric_is "netipallocation_controller_is_leader{pod_name=\"$REPLICA-$born\"}" "$1"; }
# without WHAT FILE...: of deploy/base, while a node drains
without() {
	what=$1
	shift
	node=$(node_of $A)
	for file; do kc delete -f "$SRC/deploy/base/$file" >/dev/null; done
	cordon "$node"
	eventually 20 "without $what it does not lead" leads 0
	untouched
	check "put back" kc apply --validate=false -k "$SRC/deploy"
}
eventually 20 "it leads" leads 1
without "its rights" rbac.yaml rbac-watcher.yaml
eventually 40 "with its rights it leads" leads 1
eventually 30 "and goes on" moved $A "$node"
uncordon "$node"
eventually 30 "at rest" entry_is web $A "Attached Attached"
note
without "its accounts" identities.yaml
check "new tokens by the command that stands there" page "$AWAY" 5
previous=$born
pod_runs
replica_ends $REPLICA-$previous
eventually 20 "with new tokens it leads" leads 1
eventually 30 "and goes on" moved $A "$node"
eventually 30 "at rest" entry_is web $A "Attached Attached"
check "no violations" no_violations
judge | sed 's/^/# /'
