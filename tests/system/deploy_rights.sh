#!/bin/sh
# Nothing in deploy/ is granted in vain. Each right of its Roles and ClusterRoles, one for
# each verb, resource and name, is taken away in a world of its own: the API server refuses
# just that request, and what the right is for does not come. In the control worlds, where
# nothing is taken away, all of it comes.
#
# WORLDS of them side by side (8).
. "$SRC/tests/system/lib.sh"

WORLDS=${WORLDS:-8}
ONE=34.82.10.1
TWO=34.82.10.2
RBAC=/apis/rbac.authorization.k8s.io/v1
LEASE=/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/ip-address-controller-leader
LEASE_DURATION=10
POD_NAME=ipwarden-0
ACCOUNT=system:serviceaccount:kube-system:ip-address-controller-sa

# --- what each right is for ---------------------------------------------------------

# goal_of "VERB RESOURCE": what does not come without it. A right that is not here fails.
goal_of() {
	case $1 in
	"get leases.coordination.k8s.io" | "update leases.coordination.k8s.io" | \
		"create serviceaccounts/token" | "list nodes" | "list pods" | \
		"get netipallocations.netinfra.darkbrains.com" | \
		"list netipallocations.netinfra.darkbrains.com" | \
		"patch netipallocations.netinfra.darkbrains.com" | \
		"patch netipallocations.netinfra.darkbrains.com/status") echo attached ;;
	"list leases.coordination.k8s.io" | "watch leases.coordination.k8s.io") echo follows ;;
	"watch nodes" | "watch pods" | \
		"watch netipallocations.netinfra.darkbrains.com") echo watches ;;
	"patch nodes") echo labelled ;;
	"patch pods") echo marked ;;
	"create events.events.k8s.io") echo told ;;
	"patch events.events.k8s.io") echo told_again ;;
	"get nodes" | "get deployments.apps" | "get statefulsets.apps" | \
		"get daemonsets.apps") echo moves ;;
	"create pods/eviction") echo evicts ;;
	"list podtrackers.networking.learntosolveit.com" | \
		"patch podtrackers.networking.learntosolveit.com/status") echo tracked ;;
	"watch podtrackers.networking.learntosolveit.com" | \
		"watch podtrackerslices.tracking.ipwarden.dev") echo watches ;;
	"list podtrackerslices.tracking.ipwarden.dev" | \
		"create podtrackerslices.tracking.ipwarden.dev") echo sliced ;;
	"patch podtrackerslices.tracking.ipwarden.dev") echo sliced_again ;;
	"delete podtrackerslices.tracking.ipwarden.dev") echo unsliced ;;
	"get podtrackers.networking.learntosolveit.com" | \
		"patch podtrackers.networking.learntosolveit.com") echo let_go ;;
	"get customresourcedefinitions.apiextensions.k8s.io") echo released ;;
	*) echo unknown ;;
	esac
}

# begin_GOAL brings about what needs it, once `attached`; have_GOAL says whether it came.
begin_attached() { spec_allocation web '{"reservedIPs":["'$ONE'","'$TWO'"],
	"nodeSelector":{"pool":"static"},"workloadRef":{"kind":"'"$KIND"'","name":"web"}}'; }
are_attached() { # quickly
	[ "$(grep -c '"kind":"attach","outcome":"done"' "$LOG")" -ge 2 ]
}
have_attached() { attached $ONE && attached $TWO; }
begin_follows() { :; }
have_follows() { logged lease_watched && ! logged lease_not_watched; }
begin_watches() { :; }
have_watches() { is_ready watcher && ! logged watch_failed; }
begin_labelled() { :; }
have_labelled() { label_is "$(node_of $ONE)" ip.ready true; }
begin_marked() { :; }
have_marked() {
	api GET /api/v1/namespaces/kube-system/pods/$POD_NAME |
		jq -e '.metadata.annotations["controller-leader"] == "true"'
}
begin_told() { :; }
have_told() { event Attached "$ONE attached"; }
begin_told_again() { # Held, in the words of the first time
	NODE=$(node_of $ONE)
	owned_pod default/web-abc12-a "$NODE" "$OWNER" "$OWNED"
	for _ in 1 2; do
		cordon "$NODE"
		until_true 10 entry_is web $ONE "Draining InUse" || return 1
		uncordon "$NODE"
		until_true 10 entry_is web $ONE "Attached Attached" || return 1
	done
}
have_told_again() { api GET /apis/events.k8s.io/v1/events |
	jq -e 'any(.items[]; .reason == "Held" and .series.count == 2)'; }
begin_moves() {
	NODE=$(node_of $ONE)
	remove_object /api/v1/namespaces/default/pods/web-abc12-a 2>/dev/null
	cordon "$NODE"
}
have_moves() { moved $ONE "$NODE"; }
begin_evicts() {
	NODE=$(node_of $TWO)
	owned_pod default/web-abc12-b "$NODE" "$OWNER" "$OWNED"
	cordon "$NODE"
	until_true 20 entry_is web $TWO "Draining InUse"
	detach_by_hand "$NODE"
}
have_evicts() { ! api GET /api/v1/namespaces/default/pods/web-abc12-b; }
TRACKERS=/apis/networking.learntosolveit.com/v1/podtrackers
begin_tracked() {
	api POST $TRACKERS -o /dev/null -H 'Content-Type: application/json' --data-binary '{
		"apiVersion":"networking.learntosolveit.com/v1","kind":"PodTracker",
		"metadata":{"name":"all","finalizers":["podtracker.networking.learntosolveit.com/finalizer"]}}'
}
have_tracked() { api GET $TRACKERS/all | jq -e '.status.nodeCount > 0'; }
begin_let_go() { begin_tracked; }
have_let_go() { api GET $TRACKERS/all | jq -e '(.metadata.finalizers // []) == []'; }
SLICES=/apis/tracking.ipwarden.dev/v1alpha1/podtrackerslices
begin_sliced() { begin_tracked; }
have_sliced() { [ "$(api GET $SLICES/node-1 | jq -r .writer)" = Leader ]; }
begin_sliced_again() {
	begin_tracked
	until_true 20 have_sliced
	owned_pod default/sliced node-1 ReplicaSet other
}
have_sliced_again() { api GET $SLICES/node-1 | jq -e 'any(.pods[]; .podName == "sliced")'; }
begin_unsliced() {
	begin_tracked
	until_true 20 have_sliced
	merge_patch $TRACKERS/all '{"metadata":{"finalizers":null}}'
	api DELETE $TRACKERS/all -o /dev/null
}
have_unsliced() { ! api GET $SLICES/node-1; }
begin_released() { api DELETE $NIA/web -o /dev/null; }
have_released() { ! api GET $NIA/web; }

# --- one world ----------------------------------------------------------------------

logged() { grep -q '"event":"'"$1"'"' "$LOG"; }

# prepare RIGHT: a world with what was installed, but for that right ("" = all of it)
prepare() {
	start_world --nodes 4 --addresses $ONE,$TWO
	jq -c --arg right "$1" '($right | split("|")) as [$kind, $role, $rule, $verb, $resource] |
		if .kind == $kind and .metadata.name == $role then .rules |= [to_entries[] |
			if .key == ($rule | tonumber) then
				(.value | .resources = [$resource] | .verbs -= [$verb]),
				(.value | .resources -= [$resource])
			else .value end | select(.verbs != [] and .resources != [])]
		else . end' "$OBJECTS" | split -l 1 - "$DIR/object-"
	# what the world gives the controller goes
	remove_object "$RBAC/clusterrolebindings/sim:$ACCOUNT"
	for object in "$DIR"/object-*; do
		printf 'next\nfail\nsilent\nshow-error\nurl = "%s"\ndata-binary = "@%s"\n' \
			"$CONTROL_URL/kube/objects" "$object"
	done | curl --config - >/dev/null
	put_object '{"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"kube-system",
		"name":"'$POD_NAME'","labels":{"app":"ip-address-controller",
		"app.kubernetes.io/name":"ipwarden"}},"spec":{"nodeName":"elsewhere",
		"containers":[{"name":"main","image":"none"}]},
		"status":{"phase":"Running"}}' >/dev/null
	workload "$KIND" web
}

# somebody else has the lease, for long, or no longer
lease_of() {
	merge_patch $LEASE '{"spec":{"holderIdentity":"'"$1"'","leaseDurationSeconds":600,
		"renewTime":"'"$(date -u +%FT%T.%6NZ)"'"}}'
}

# start: with the controller's identity, the watcher's token minted
start() {
	IDENTITY="--kubeconfig $CONTROLLER_KUBECONFIG"
	start_ipwarden
}

# refused VERB GROUP RESOURCE SUBRESOURCE ACCOUNT: a request of this kind was
refused() {
	grep -q '"user":"[^"]*:'"$5"'".*"verb":"'"$1"'","group":"'"$2"'","resource":"'"$3"'",'\
'"subresource":"'"$4"'".*"status":403' "$DIR/requests.jsonl"
}

of_kind() {
	KIND=$1
	case $KIND in
	Deployment) OWNER=ReplicaSet OWNED=web-abc12 ;;
	*) OWNER=$KIND OWNED=web ;;
	esac
}

# without RIGHT: as KIND|ROLE|RULE|VERB|RESOURCE|GROUP|NAME
without() {
	right=$1
	rest=${right#*|*|*|}
	verb=${rest%%|*}
	rest=${rest#*|}
	part=${rest%%|*} # pods/eviction
	resource=${part%/*}
	subresource=${part#"$resource"}
	group=${rest#*|}
	group=${group%%|*}
	full=$resource${group:+.$group}$subresource
	goal=$(goal_of "$verb $full")
	case $resource in
	statefulsets) of_kind StatefulSet ;;
	daemonsets) of_kind DaemonSet ;;
	*) of_kind Deployment ;;
	esac
	who=ip-address-controller-sa
	case $right in *"|ipwarden-watcher|"*) who=ipwarden-watcher ;; esac
	prepare "$right"
	[ "$goal" != follows ] || lease_of somebody
	start
	case $goal in
	unknown) not_ok "what is $verb $full for?" && return ;;
	follows | watches) ;;
	attached) begin_attached ;;
	*)
		begin_attached
		until_true 60 are_attached || not_ok "$verb $full: the way there"
		"begin_$goal"
		;;
	esac
	until_true 60 refused "$verb" "$group" "$resource" "${subresource#/}" $who ||
		not_ok "$verb $full: is refused"
	# the server has said no; the watcher is about to tell
	[ "$goal" != watches ] || until_true 20 logged watch_failed
	if "have_$goal" >/dev/null 2>&1; then
		not_ok "without $verb $full: not $goal"
	else
		ok "without $verb $full ($who): refused, and not $goal"
	fi
}

# everything KIND GOAL...: what comes when nothing is taken away
everything() {
	of_kind "$1"
	shift
	prepare ""
	lease_of somebody
	start
	eventually 20 "$KIND: a follower watches the lease" have_follows
	lease_of ""
	begin_attached
	eventually 30 "$KIND: attached" have_attached
	eventually 20 "$KIND: watches" have_watches
	for goal; do
		"begin_$goal"
		eventually 60 "$KIND: $goal" "have_$goal"
	done
	is "$KIND: nothing is forbidden" "$(jq -c 'select(.status == 403)' \
		"$DIR/requests.jsonl")" ""
	check "$KIND: no violations" no_violations
}

if [ "${1:-}" = one ]; then
	case $2 in
	everything*) $2 ;;
	*) without "$2" ;;
	esac
	exit
fi

# --- all of them --------------------------------------------------------------------

# What kubectl makes of deploy/, as the API server has it, and each right in it.
export OBJECTS="$DIR/installed"
start_world
kc apply --validate=false -f "$SRC/crds" >/dev/null
kc apply --validate=false -k "$SRC/deploy" >"$DIR/applied" 2>&1
check "kubectl apply -k deploy" grep -q . "$DIR/applied"
kc get -o json -f "$SRC/crds" >"$DIR/got.crds"
kc get -o json -k "$SRC/deploy" >"$DIR/got"
for got in "$DIR/got.crds" "$DIR/got"; do jq -c 'if .kind == "List" then .items[] else . end |
	select(.kind == "CustomResourceDefinition" or .kind == "ServiceAccount" or .kind == "Lease"
		or (.apiVersion | startswith("rbac"))) | del(.status, .metadata.managedFields,
			.metadata.resourceVersion, .metadata.uid)' "$got"; done >"$OBJECTS"
jq -r 'select(.rules != null) | . as $role | .rules | to_entries[] | .key as $i | .value |
	.verbs[] as $verb | .resources[] as $resource | .apiGroups[] as $group |
	(.resourceNames // [""])[] as $name |
	[$role.kind, $role.metadata.name, ($i | tostring), $verb, $resource, $group, $name] |
	join("|")' "$OBJECTS" >"$DIR/rights"
check "there are rights" test -s "$DIR/rights"

begun=$(now_ms)
{
	# the longest first
	echo "everything Deployment labelled marked told tracked let_go sliced sliced_again told_again moves evicts unsliced released"
	grep -F '|pods/eviction|' "$DIR/rights"
	grep -vF '|pods/eviction|' "$DIR/rights"
	echo "everything StatefulSet moves"
	echo "everything DaemonSet moves"
} >"$DIR/worlds"
# shellcheck disable=SC2016
xargs -d '\n' -P "$WORLDS" -I WORLD sh -c \
	'sh "$1" one "$2" >"$3/$(echo "$2" | tr -c "[:alnum:]\n" _).out" 2>&1 || true' \
	world "$0" WORLD "$DIR" <"$DIR/worlds"
cat "$DIR"/*.out | grep -E '^(ok|not ok)|^#   [^{]'
set -- "$(cat "$DIR"/*.out | grep -c '^ok ')" "$(cat "$DIR"/*.out | grep -c '^not ok ')"
passed=$((passed + $1))
failed=$((failed + $2))
is "each right was taken away" "$(cat "$DIR"/*.out | grep -c '^ok .* without ')" \
	"$(wc -l <"$DIR/rights")"
say "# $(wc -l <"$DIR/rights") rights in $((($(now_ms) - begun) / 1000)) s"
