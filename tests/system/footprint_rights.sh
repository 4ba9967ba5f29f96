#!/bin/sh
# Nothing in deploy/components/footprints is granted in vain: each right of its Role is taken
# away in turn, the API server refuses just that request, and what the right is for does not
# come. With all of them all of it comes, and nothing is refused.
. "$SRC/tests/system/lib.sh"

MAPS=/api/v1/namespaces/default/configmaps
ROLE=/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles/ip-address-controller-footprints
OLD=pod-ashiato-2020010100

start_world --nodes 1
install_crd
NODE=$(api GET /api/v1/nodes | jq -r '.items[0].metadata.name')
put_object '{"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"default","name":"web-1"},
	"spec":{"nodeName":"'"$NODE"'","containers":[{"name":"main","image":"none"}]},
	"status":{"phase":"Running"}}' >/dev/null

# The hour must not turn while this runs.
turns_in=$((3600 - $(date +%s) % 3600))
[ $turns_in -gt 180 ] || sleep $turns_in
HOUR=pod-ashiato-$(date -u +%Y%m%d%H)

# --- what each right is for ---------------------------------------------------------------
goal_of() {
	case $1 in
	get | create) echo kept ;;
	update) echo gone_on ;;
	list | delete) echo over ;;
	*) echo unknown ;;
	esac
}
has() { api GET "$MAPS/$HOUR" >"$DIR/map" && jq -e --arg k "$1" '.data | has($k)' "$DIR/map"; }
have_kept() { has default_web-1; }
have_gone_on() { has default_web-1 && has default_before; }
have_over() { ! api GET "$MAPS/$OLD"; }

# a_map NAME CREATED KEY: as somebody has written it
a_map() {
	put_object "$(jq -nc --arg name "$1" --arg at "$2" --arg key "$3" '{apiVersion: "v1",
		kind: "ConfigMap", metadata: {name: $name, namespace: "default",
		creationTimestamp: $at, labels: {app: "pod-ashiato", type: "pod-node-mapping"}},
		data: {($key): "node-1"}}')" >/dev/null
}
# begin GOAL: an hour that has begun or not, and one that is to be deleted
begin() {
	remove_object "$MAPS/$HOUR" 2>/dev/null
	[ "$1" != gone_on ] || a_map "$HOUR" "$(date -u +%FT%TZ)" default_before
	a_map "$OLD" "$(date -u -d "-100 hours" +%FT%TZ)" n_p
	: >"$DIR/requests.jsonl" # which the world appends to
	start_ipwarden --store-in-cm --interval 1s --utc
}

# --- all of them --------------------------------------------------------------------------
kc apply --validate=false -f "$SRC/deploy/components/footprints/rbac.yaml" >/dev/null
begin gone_on
for goal in kept gone_on over; do
	eventually 30 "with all rights: $goal" "have_$goal"
done
is "nothing is forbidden" "$(jq -c 'select(.resource == "configmaps" and .status == 403)' \
	"$DIR/requests.jsonl")" ""
cat "$DIR/requests.jsonl" >"$DIR/requests.all"
stop_ipwarden

# --- each of them -------------------------------------------------------------------------
api GET "$ROLE" >"$DIR/role"
is "there are rights" "$(jq -c '[.rules[].verbs[]]' "$DIR/role")" \
	'["get","list","create","update","delete"]'
refused() {
	jq -e -n --arg verb "$1" 'any(inputs; .status == 403 and .verb == $verb and
		.resource == "configmaps")' "$DIR/requests.jsonl"
}
for verb in $(jq -r '.rules[].verbs[]' "$DIR/role"); do
	put_object "$(jq --arg verb "$verb" '.rules[].verbs -= [$verb]' "$DIR/role")" >/dev/null
	goal=$(goal_of "$verb")
	begin "$goal"
	eventually 30 "without $verb: refused" refused "$verb"
	if "have_$goal" >/dev/null 2>&1; then not_ok "and $goal all the same"; else ok "and not $goal"; fi
	cat "$DIR/requests.jsonl" >>"$DIR/requests.all"
	stop_ipwarden
done
mv "$DIR/requests.all" "$DIR/requests.jsonl" # lib.sh keeps them
