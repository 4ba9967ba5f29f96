#!/bin/sh
# Nothing in deploy/components/agent is granted in vain: each right of its Roles and
# ClusterRoles is taken away in turn, the API server refuses just that request, and what the
# right is for does not come. With all of them all of it comes, and nothing is refused.
. "$SRC/tests/system/lib.sh"
. "$SRC/tests/system/installed.sh"

SLICES=/apis/tracking.ipwarden.dev/v1alpha1/podtrackerslices
ROLES="resolver dialer-watcher dialer-reconciler metricsd reconciler watcher"
CLOUD=

start_world --nodes 2
NODE=$(api GET /api/v1/nodes | jq -r '.items[0].metadata.name')
rights_count
install_crd
until_true 10 api GET $SLICES
apply "$SRC/deploy/rendered/agent.yaml" >/dev/null 2>&1
DEPLOYMENT=/apis/apps/v1/$SYSTEM/daemonsets/pod-ip-tracker-agent
account
sed "s|^\( *\)token: .*|\1tokenFile: $DIR/account/token|" \
	"$CONTROLLER_KUBECONFIG" >"$DIR/pod.kubeconfig"
WITH="NODE_NAME=$NODE"

# --- what each right is for ---------------------------------------------------------------
goal_of() {
	case $1 in
	"get podtrackerslices" | "delete podtrackerslices") echo swept ;;
	"create podtrackerslices" | "patch podtrackerslices" | "list nodes" | "list pods" | \
		"create serviceaccounts/token") echo written ;;
	"watch pods" | "watch nodes") echo watched ;; # what is left is a list now and then
	*) echo unknown ;;
	esac
}
one() { api GET "$SLICES/$NODE" >"$DIR/slice" && jq -e "$1" "$DIR/slice"; }
have_written() { one '[.pods[].podName] | index("web-1")'; }
have_watched() { ! grep -q '"event":"watch_failed"' "$LOG"; }
have_swept() { ! api GET "$SLICES/$NODE-2"; }
have_followed() { one '[.pods[].podName] | index("web-2")'; }
have_renumbered() { one '.nodeIP == "192.0.2.77"'; }

a_pod() {
	put_object '{"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"default",
		"name":"'"$1"'"},"spec":{"nodeName":"'"$NODE"'","containers":[{"name":"main",
		"image":"none"}]},"status":{"phase":"Running","podIP":"10.0.1.1"}}' >/dev/null
}
node_ip() {
	put_object "$(api GET "/api/v1/nodes/$NODE" | jq --arg ip "$1" \
		'.status.addresses = [{type: "InternalIP", address: $ip}]')" >/dev/null
}
a_pod web-1

# begin: an agent comes to a node that has had one; then a pod comes, and an address changes
begin() {
	for name in "$NODE" "$NODE-2"; do
		api DELETE "$SLICES/$name" -o /dev/null 2>/dev/null
	done
	remove_object /api/v1/namespaces/default/pods/web-2 2>/dev/null
	node_ip 192.0.2.1
	api POST $SLICES -o /dev/null -H 'Content-Type: application/json' --data-binary '{
		"apiVersion":"tracking.ipwarden.dev/v1alpha1","kind":"PodTrackerSlice",
		"metadata":{"name":"'"$NODE"'-2"},"nodeName":"'"$NODE"'","part":2}'
	: >"$DIR/requests.jsonl" # which the world appends to
	IDENTITY="--kubeconfig $DIR/pod.kubeconfig"
	# shellcheck disable=SC2046
	start_ipwarden $(container '.args[]')
}
changes() {
	a_pod web-2
	node_ip 192.0.2.77
}

# --- all of them ----------------------------------------------------------------------------
begin
eventually 30 "with all rights: written" have_written
eventually 20 "swept" have_swept
until_true 20 ready
changes
eventually 20 "followed" have_followed
eventually 20 "renumbered" have_renumbered
check "watched" have_watched
is "nothing is forbidden" "$(jq -c 'select(.status == 403)' "$DIR/requests.jsonl")" ""
cat "$DIR/requests.jsonl" >"$DIR/requests.all"
stop_ipwarden

# --- each of them ---------------------------------------------------------------------------
for role in clusterroles/pod-ip-tracker-agent-role clusterroles/pod-ip-tracker-agent-watcher \
	namespaces/kube-system/roles/pod-ip-tracker-agent-role; do
	api GET "$RBAC/$role" | jq -r --arg role "$role" '.rules | to_entries[] | .key as $i |
		.value | .verbs[] as $verb | .resources[] as $resource |
		[$role, ($i | tostring), $verb, $resource] | join(" ")'
done >"$DIR/rights"
is "there are rights" "$(wc -l <"$DIR/rights")" 9

# refused VERB RESOURCE
refused() {
	jq -e -n --arg verb "$1" --arg resource "$2" 'any(inputs; .status == 403 and
		.verb == $verb and .resource + (if .subresource != "" then "/" + .subresource
		else "" end) == $resource)' "$DIR/requests.jsonl"
}
exec 3<"$DIR/rights"
while read -r role rule verb resource <&3; do
	api GET "$RBAC/$role" >"$DIR/role"
	put_object "$(jq --argjson i "$rule" --arg verb "$verb" --arg resource "$resource" '
		.rules |= [to_entries[] | if .key == $i then
			(.value | .resources = [$resource] | .verbs -= [$verb]),
			(.value | .resources -= [$resource])
		else .value end | select(.verbs != [] and .resources != [])]' "$DIR/role")" >/dev/null
	goal=$(goal_of "$verb $resource")
	begin
	eventually 30 "without $verb $resource: refused" refused "$verb" "$resource"
	if "have_$goal" >/dev/null 2>&1; then not_ok "and $goal all the same"; else ok "and not $goal"; fi
	cat "$DIR/requests.jsonl" >>"$DIR/requests.all"
	stop_ipwarden
	put_object "$(cat "$DIR/role")" >/dev/null
done
mv "$DIR/requests.all" "$DIR/requests.jsonl" # lib.sh keeps them
