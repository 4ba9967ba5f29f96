# Sourced by tests about the controller that ipwarden replaces: does what that does to
# a world (COMPATIBILITY.md §1 and §4). A follower takes a lease whose holder is not the
# name of a pod, and who has led goes on acting for ever. When each act
# began and ended is noted in $DIR/NAME.acts.

ZONE=projects/sim-project/zones/us-west1-a
PODS=/api/v1/namespaces/kube-system/pods
LEASE=/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/ip-address-controller-leader

# --- the cloud, as it sees it ---------------------------------------------------------

gce_token() {
	curl -sS -H 'Metadata-Flavor: Google' "http://$GCE_METADATA_HOST/computeMetadata/v1/instance/service-accounts/default/token" |
		jq -r .access_token
}
# gce METHOD PATH [BODY]: of the instances of the zone
gce() {
	curl -sS -f -X "$1" -H "Authorization: Bearer ${GCE_TOKEN:-$(gce_token)}" \
		-H 'Content-Type: application/json' "$GCP_ENDPOINT/$ZONE/instances$2" \
		${3+--data-binary "$3"}
}
# nats: the access configs of all first interfaces, a line each: node, name, address
nats() {
	gce GET '' | jq -r '.items[] | .name + " " + (.networkInterfaces[0].accessConfigs[]? |
		select(.type == "ONE_TO_ONE_NAT") | .name + " " + (.natIP // ""))'
}
# nat_of NODE: that one's, "NAME ADDRESS"
nat_of() { nats | sed -n "s/^$1 //p"; }
bare() { [ -z "$(nat_of "$1")" ]; }
# has NODE ADDRESS
has() { nats | grep -q "^$1 .* $2\$"; }
take_off() {
	config=$(nat_of "$1")
	[ -z "$config" ] || gce POST "/$1/deleteAccessConfig?networkInterface=nic0&accessConfig=${config% *}" '' >/dev/null
	until_true 10 bare "$1"
}
# put_on NODE ADDRESS
put_on() {
	gce POST "/$1/addAccessConfig?networkInterface=nic0" \
		'{"name":"external-nat","type":"ONE_TO_ONE_NAT","natIP":"'"$2"'"}' >/dev/null
	until_true 10 has "$1" "$2"
}

# --- what it does ---------------------------------------------------------------------

put_label() { merge_patch "/api/v1/nodes/$1" '{"metadata":{"labels":{"ip.ready":'"$2"'}}}'; }
# old_move ADDRESS TARGET [NODE]: takes what the target has away
old_move() {
	[ -z "${3:-}" ] || take_off "$3"
	take_off "$2"
	put_on "$2" "$1"
	put_label "$2" '"true"'
}

# old_next: its next act, "" = none. An address moves off a cordoned node to one that is
# not and has none; who has one is labelled, who has none is not.
old_next() {
	{
		nats | sed 's/^/nat /'
		api GET /api/v1/nodes | jq -r '.items[] | "node \(.metadata.name) " +
			"\(.spec.unschedulable // false) \(.metadata.labels["ip.ready"])"'
	} | awk -v addresses="$OLD_ADDRESSES" '
		$1 == "nat" { has[$2] = $NF; on[$NF] = $2 }
		$1 == "node" { name[++n] = $2; cordoned[$2] = $3; label[$2] = $4 }
		END {
			count = split(addresses, wanted, " ")
			for (i = 1; i <= count; i++) listed[wanted[i]] = 1
			for (i = n; i > 0; i--)
				if (cordoned[name[i]] == "false" && !(has[name[i]] in listed))
					target = name[i]
			for (i = 1; i <= count; i++) {
				at = on[wanted[i]]
				if (at == "" || cordoned[at] == "true")
					acts[++len] = "move " wanted[i] " " target " " at
				else if (label[at] != "true")
					acts[++len] = "label " at
			}
			for (i = 1; i <= n; i++)
				if (label[name[i]] == "true" && !(has[name[i]] in listed))
					acts[++len] = "unlabel " name[i]
			print acts[1]
		}'
}
# old_act NAME COMMAND...: and when it began and ended, for the judgement
old_act() {
	acts=$DIR/$1.acts
	shift
	now_ms >>"$acts"
	"$@"
	now_ms >>"$acts"
}

pod_exists() { [ -n "$1" ] && api GET "$PODS/$1" >/dev/null 2>&1; }
holder() { api GET $LEASE | jq -r '.spec.holderIdentity // ""'; }
holder_is() { [ "$(holder)" = "$1" ]; }

# old_tool NAME ADDRESS...: for ever
old_tool() {
	name=$1
	led=no
	shift
	OLD_ADDRESSES=$*
	GCE_TOKEN=$(gce_token)
	while :; do
		holder=$(holder)
		if [ "$holder" != "$name" ] && ! pod_exists "$holder"; then
			merge_patch $LEASE '{"spec":{"holderIdentity":"'"$name"'"}}' &&
				holder=$name
		fi
		[ "$holder" != "$name" ] || led=yes
		# shellcheck disable=SC2046
		[ $led = no ] || set -- $(old_next)
		case $led-${1:-} in
		yes-move) old_act "$name" old_move "$2" "$3" "${4:-}" ;;
		yes-label) old_act "$name" put_label "$2" '"true"' ;;
		yes-unlabel) old_act "$name" put_label "$2" null ;;
		yes-) echo rest >>"$DIR/$name.rests" ;;
		esac
		sleep 0.1
	done
}
# rests NAME COUNT: so often it has found nothing to do
rests() { [ -f "$DIR/$1.rests" ] && [ "$(wc -l <"$DIR/$1.rests")" -ge "$2" ]; }

# --- its pods, and ours -----------------------------------------------------------------

# put_pod NAME LABELS
put_pod() {
	put_object '{"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"kube-system",
		"name":"'"$1"'","labels":{'"$2"'}},"spec":{"nodeName":"elsewhere",
		"containers":[{"name":"main","image":"none"}]},
		"status":{"phase":"Running"}}' >/dev/null
}
old_pod() { put_pod "$1" '"app":"ip-address-controller"'; }
our_pod() {
	put_pod ipwarden-0 '"app":"ip-address-controller","app.kubernetes.io/name":"ipwarden"'
}
# old_starts NAME ADDRESS...: its pod, then its process
old_starts() {
	old_pod "$1"
	old_tool "$@" >"$DIR/$1.log" 2>&1 &
	OLD=$!
	OTHERS="$OTHERS $OLD"
}
# old_ends NAME: its process, then its pod
old_ends() {
	kill "$OLD"
	wait "$OLD" 2>/dev/null
	others_but "$OLD"
	remove_object "$PODS/$1"
}
# old_lease HOLDER: as it writes it
old_lease() {
	api POST "${LEASE%/*}" -o /dev/null -H 'Content-Type: application/json' --data-binary \
		'{"apiVersion":"coordination.k8s.io/v1","kind":"Lease",
		"metadata":{"name":"ip-address-controller-leader"},
		"spec":{"holderIdentity":"'"$1"'","leaseDurationSeconds":5}}'
}
# old_definition: its CRD, with no status, and no fields but its own
old_definition() {
	apply - >/dev/null <<'YAML'
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: netipallocations.netinfra.darkbrains.com}
spec:
  group: netinfra.darkbrains.com
  scope: Cluster
  names: {plural: netipallocations, singular: netipallocation, kind: NetIPAllocation, shortNames: [nia]}
  versions:
  - name: v1alpha1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            required: [reservedIPs, cloud]
            properties:
              reservedIPs: {type: array, items: {type: string}}
              workloadRef:
                type: object
                properties: {kind: {type: string}, name: {type: string}, namespace: {type: string, default: default}}
              nodeSelector: {type: object, additionalProperties: {type: string}}
              cloud:
                type: object
                properties: {region: {type: string}, zones: {type: array, items: {type: string}}}
              reconcileInterval: {type: integer, minimum: 5, default: 30}
YAML
}

# old_objects ADDRESS, ADDRESS...: its definition, its lease, a workload on two nodes, and
# the allocation pool for that
old_objects() {
	old_definition
	until_true 10 kc get nia
	deployment sip
	pod default/sip-1 node-1 sip
	pod default/sip-2 node-2 sip
	apply - >/dev/null <<-YAML
		apiVersion: netinfra.darkbrains.com/v1alpha1
		kind: NetIPAllocation
		metadata: {name: pool}
		spec:
		  reservedIPs: [$*]
		  workloadRef: {kind: Deployment, name: sip}
		  nodeSelector: {pool: static}
		  cloud: {region: us-west1}
		  reconcileInterval: 5
	YAML
	old_lease ""
}

# --- what is looked at ----------------------------------------------------------------

# watch_nodes: from now on, each state of each node, one a line; its process is $WATCH
watch_nodes() {
	: >"$DIR/nodes.watch"
	api GET '/api/v1/nodes?watch=true' -N >>"$DIR/nodes.watch" 2>/dev/null &
	WATCH=$!
	OTHERS="$OTHERS $WATCH"
	until_true 10 seen node-1 .metadata.name node-1 && until_true 10 seen node-3 .metadata.name node-3
}
# seen NODE JQ-PATH VALUE: the watch has shown it so
seen() {
	jq -e -n --arg n "$1" --arg v "$3" 'any(inputs.object |
		select(.metadata.name == $n) | '"$2"' == $v; .)' "$DIR/nodes.watch"
}
# label_losses NODE...: how often the watch has shown one of them without its label
label_losses() {
	jq -n --arg nodes " $* " '[inputs.object | select(.metadata.name as $n |
		$nodes | contains(" " + $n + " ")) |
		select(.metadata.labels["ip.ready"] != "true")] | length' "$DIR/nodes.watch"
}
# changes: what was done to addresses, and by whom, since the world began
changes() {
	jq -r 'select(.fact == "attach" or .fact == "detach" or .fact == "start") |
		.fact + " " + (.by // "")' "$ATTACHMENTS_LOG" | sort | uniq -c | tr -s ' \n' ' '
}
