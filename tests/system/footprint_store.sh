#!/bin/sh
# ipwardenctl footprint --store-in-cm: the hour's ConfigMaps as Pod Ashiato made them,
# and what it did wrong with them.
. "$SRC/tests/system/lib.sh"

start_world
. "$SRC/tests/system/footprint_lib.sh"

for name in voice voice-lab cm-long cm-extra cm-immut cm-cont cm-gone cm-turn cm-old cm-large; do
	namespace $name
done
put_pods pods-all-1.json

# The hour must not turn while this runs.
turns_in=$((3600 - $(date +%s) % 3600))
[ $turns_in -gt 60 ] || sleep $turns_in
HOUR=pod-ashiato-$(date +%Y%m%d%H)

# shape: name, labels and data of each in a list, whatever its hour
shape() {
	jq -cS '.items[] | [(.metadata.name | sub("[0-9]{10}"; "H")), .metadata.labels, .data]'
}

# maps NAMESPACE: those that are there
maps() {
	api GET "/api/v1/namespaces/$1/configmaps?labelSelector=app%3Dpod-ashiato" | shape
}

# map NAMESPACE [-pN]
map() { api GET "/api/v1/namespaces/$1/configmaps/$HOUR${2:-}"; }

# made CASE NAMESPACE: by its command, the ConfigMap that Pod Ashiato made
made() {
	recorded "$1" || return 1
	maps "$2" >"$DIR/maps"
	shape <"$SAMPLES/$1.cm.json" | diff - "$DIR/maps"
}

# watched NAMESPACE FILTER: of the spans that its hour's map tells of, an array
watched() {
	map "$1" | jq -c '[.metadata.annotations["footprint.ipwarden.dev/watched"] // "" |
		split("\n")[] | select(. != "") | fromjson]' | jq -c "$2"
}

# put_map NAMESPACE JSON: a ConfigMap, as another hand would make it
put_map() {
	api POST "/api/v1/namespaces/$1/configmaps" -o /dev/null \
		-H 'Content-Type: application/json' --data-binary "$2"
}

# value NAMESPACE KEY: what the hour's map has for it
value() { map "$1" | jq -r --arg k "$2" '.data[$k]'; }

value_is() { [ "$(value "$1" "$2")" = "$3" ]; }

store() { pod-ashiato --kubeconfig kubeconfig --store-in-cm "$@" 2>"$DIR/log"; }

# --- one-shot -------------------------------------------------------------------------
check s01-store-first made s01-store-first default
is "who looks once has not watched" "$(watched default .)" '[]'
check s08-store-nomatch made s08-store-nomatch voice
check "s06-cmns-empty is in default" recorded s06-cmns-empty
is "beside what another filter stored there (lost in s03, s06)" \
	"$(map default | jq -c '.data | length')" 12
put_pods pods-2-changed-before-s02.json
gone default/web2-solo
check "s02-store-after-restart: its lines" recorded s02-store-after-restart
is "a new process goes on with the hour (lost in s02)" "$(map default | jq -c '.data |
	[length, .["default_web2-solo"], .["default_db.primary.0"], .["default_web-new"]]')" \
	'[13,"node-c","node-c","node-a"]'
check s04-store-label made s04-store-label voice-lab

check "a key of more than 253 characters: exit 0 (s10)" \
	store --oneshot --namespace voice --cm-namespace cm-long
is "its map has all pods, the long one under a shortened key" "$(map cm-long | jq -c '
	[(.data | length), (.data | map_values(length)), ([.data | keys[] | length] | max)] |
	[.[0], .[2]]')" '[6,253]'
is "the whole of which is listed" "$(map cm-long | jq -r '.metadata.annotations[
	"footprint.ipwarden.dev/long-keys"] | fromjson | [to_entries[] |
	(.value | length), (.value | startswith("voice_rtp-01234"))] | map(tostring) | join(" ")')" \
	"259 true"

put_map cm-extra "$(jq -c --arg n "$HOUR" '.metadata |= {name: $n, labels, annotations,
	finalizers}' "$SAMPLES/s11-store-over-foreign.before.json")"
check "an hour's map that others wrote in" \
	store --oneshot --namespace voice-lab --cm-namespace cm-extra
is "keeps what is theirs (lost in s11)" "$(map cm-extra | jq -c '[.data, .binaryData,
	.metadata.labels, .metadata.annotations, .metadata.finalizers]')" \
	'[{"somebody":"wrote-this","voice-lab_old-0":"node-z","voice-lab_tone-0":"node-a"},'\
'{"blob":"AAEC"},{"app":"pod-ashiato","team":"ops","type":"pod-node-mapping"},'\
'{"note":"keep-me"},["example.com/f"]]'
put_map cm-immut "$(jq -nc --arg n "$HOUR" '{apiVersion: "v1", kind: "ConfigMap",
	metadata: {name: $n, labels: {app: "pod-ashiato"}}, data: {a: "b"}, immutable: true}')"
check "where it is immutable" store --oneshot --namespace voice-lab --cm-namespace cm-immut
is "the next part has it (lost in s12)" "$(map cm-immut -p2 | jq -c .data)" \
	'{"voice-lab_tone-0":"node-a"}'

store --oneshot --namespace voice-lab --cm-namespace ops >"$DIR/out"
is "a namespace that is missing is an error (0 in s05)" $? 1
check "and is told" grep -q '"event":"footprint_not_stored".*"namespace":"ops".*"status":404' \
	"$DIR/log"
is "all lines are printed" "$(wc -l <"$DIR/out")" 1
pod-ashiato --kubeconfig norights.kubeconfig --oneshot --store-in-cm --namespace voice-lab \
	>"$DIR/out" 2>"$DIR/log"
is "without the right to it is an error (0 in s13)" $? 1
check "and is told" grep -q '"event":"footprint_not_stored".*"status":403' "$DIR/log"
is "all lines are printed" "$(wc -l <"$DIR/out")" 1

# --- more than one object holds ---------------------------------------------------------
# the server counts the values, which are the nodes' names
many_pods 5000 large web-7f9c8d6b5d "$(printf 'node-%0220d' 0)"
put_object '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"whole","namespace":"cm-large"}}' \
	>/dev/null
api GET /api/v1/namespaces/large/pods | jq -c '{data: ([.items[] |
	{key: ("large_" + .metadata.name), value: .spec.nodeName}] | from_entries)}' >"$DIR/whole"
is "one ConfigMap for the hour is refused by the server" "$(curl -sS -o /dev/null \
	-w '%{http_code}' -X PATCH --cacert "$SIM_CA" -H "Authorization: Bearer $KUBE_TOKEN" \
	-H 'Content-Type: application/merge-patch+json' --data-binary "@$DIR/whole" \
	"$KUBE_URL/api/v1/namespaces/cm-large/configmaps/whole")" 422
put_parts() {
	jq -s --arg ns cm-large 'map(select((.verb == "create" or .verb == "update") and
		.resource == "configmaps" and .namespace == $ns)) | length' "$DIR/requests.jsonl"
}
stored() {
	api GET "/api/v1/namespaces/cm-large/configmaps?labelSelector=app%3Dpod-ashiato" |
		jq -c '[.items[].data] | add'
}
check "more than 1 MiB in an hour is stored" \
	store --oneshot --namespace large --cm-namespace cm-large
is "each pod of it" "$(stored | jq -S . | cksum)" "$(jq -S .data "$DIR/whole" | cksum)"
wrote=$(put_parts)
one large/late node-b uid-late
check "and one that comes later" store --oneshot --namespace large --cm-namespace cm-large
is "too" "$(stored | jq -c '[length, .large_late]')" '[5001,"node-b"]'
is "by one write" $(($(put_parts) - wrote)) 1

# --- streams --------------------------------------------------------------------------
# by_now CASE.cm NAMESPACE: as recorded at that time of the stream
by_now() { [ "$(maps "$2")" = "$(shape <"$SAMPLES/$1.json")" ]; }

stream --interval=500ms --store-in-cm --namespace voice --label app=sip --cm-namespace cm-cont
eventually 5 "s20-store-move-while-running" by_now s20-store-move-while-running.at-4s cm-cont
writes() {
	jq -s 'map(select((.verb == "create" or .verb == "update") and
		.resource == "configmaps")) | length' "$DIR/requests.jsonl"
}
wrote=$(writes)
reads() {
	jq -s 'map(select(.verb == "get" and .resource == "configmaps")) | length' \
		"$DIR/requests.jsonl"
}
read_before=$(reads)
more_reads() { [ "$(reads)" -ge $((read_before + 4)) ]; }
eventually 5 "two intervals later" more_reads
is "nothing was written, since nothing had changed" "$(writes)" "$wrote"
gone voice/sip-1
put_pods pods-3-changed-in-s20.json
gone voice/sip6-0
eventually 5 "s20: a pod has moved, another is gone" \
	by_now s20-store-move-while-running.cm cm-cont
is "the node that it left is kept" "$(map cm-cont | jq -c '.metadata.annotations[
	"footprint.ipwarden.dev/earlier-nodes"] | fromjson')" '{"voice_sip-1":["node-a"]}'
WHEN=$(date -u +%FT%T.%3NZ)
one voice/sip-late node-c uid-late
merge_patch /api/v1/namespaces/voice/pods/sip-late '{"metadata":{"labels":{"app":"sip"}}}'
gone voice/sip-late
end_stream TERM
is "SIGTERM: 0" $SAID 0
is "a pod that came and went right before it is stored" "$(value cm-cont voice_sip-late)" node-c
is "with the time until when it was watched, and which pods" "$(watched cm-cont "[length,
	(last | .from < \"$WHEN\", .until >= \"$WHEN\", .namespace, .name, .label)]")" \
	'[1,true,true,"voice",null,"app=sip"]'
: >"$DIR/lines"
stream --interval=500ms --store-in-cm --namespace voice --label app=sip --cm-namespace cm-cont
eventually 5 "started anew, it lists what there is, and watches" test -s "$DIR/lines"
one voice/sip-again node-c uid-again
merge_patch /api/v1/namespaces/voice/pods/sip-again '{"metadata":{"labels":{"app":"sip"}}}'
eventually 5 "it starts anew: it goes on with the hour" value_is cm-cont voice_sip-again node-c
end_stream TERM
is "SIGTERM with nothing new: 0" $SAID 0
is "and adds a span" "$(watched cm-cont '[length, .[0].until < .[1].from]')" '[2,true]'
gone voice/sip-again
stream --interval=500ms --store-in-cm --namespace cm-old --cm-namespace cm-gone
eventually 5 "there are no pods" told footprint_no_pods
end_stream TERM
is "SIGTERM then: 0" $SAID 0

stream --interval=500ms --store-in-cm --namespace voice --label app=sip --cm-namespace cm-gone
eventually 5 "s21-store-cm-deleted" by_now s21-store-cm-deleted.at-5s cm-gone
remove_object "/api/v1/namespaces/cm-gone/configmaps/$HOUR"
eventually 5 "deleted, it comes again" by_now s21-store-cm-deleted.at-5s cm-gone
merge_patch "/api/v1/namespaces/cm-gone/configmaps/$HOUR" \
	'{"data":{"extra":"x","voice_sip-0":"edited"}}'
eventually 5 "edited, it is put right" value_is cm-gone voice_sip-0 node-c
is "but for what is not ours (lost in s21)" "$(value cm-gone extra)" x
end_stream TERM

# --- an hour that turns ---------------------------------------------------------------
# zone SECONDS: one in which the hour turns in so many (RFC 8536: one offset for ever)
zone_turning() {
	offset=$(((7200 - $1 - $(date +%s) % 3600) % 3600))
	zeros='\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0'
	printf "TZif$zeros$zeros\0\0\0\1\0\0\0\4$(printf '\\0\\0\\%03o\\%03o' \
		$((offset / 256)) $((offset % 256)))\0\0LMT\0" >"$DIR/at/turning"
	echo "$DIR/at/turning"
}
TZ=$(zone_turning 8)
NEXT=$(date -d '+1 hour' +%Y%m%d%H)
stream --interval=5s --store-in-cm --namespace voice --cm-namespace cm-turn
eventually 10 "pods have been looked at" lines 1
turned() { [ "$(date +%Y%m%d%H)" = "$NEXT" ]; }
eventually 10 "the hour turns" turned
gone voice/sip-0
next_has() { api GET "/api/v1/namespaces/cm-turn/configmaps/pod-ashiato-$NEXT" |
	jq -e --arg k "$1" '.data | has($k)'; }
eventually 10 "the next look" next_has voice_gw-0
check "one that ended before it is in the new hour" next_has voice_sip-0
end_stream TERM
TZ=UTC

# --- what is old ----------------------------------------------------------------------
# old HOURS: a map that was made so long ago
old() {
	put_object "$(jq -nc --arg n "pod-ashiato-$(date -d "-$1 hours" +%Y%m%d%H)" \
		--arg at "$(date -u -d "-$1 hours" +%FT%TZ)" '{apiVersion: "v1", kind: "ConfigMap",
		metadata: {name: $n, namespace: "cm-old", creationTimestamp: $at, labels: {
			app: "pod-ashiato", type: "pod-node-mapping"}}, data: {n_p: "node-1"}}')" >/dev/null
}
for hours in 100 80 70 5; do old $hours; done
check "a new hour" store --oneshot --namespace voice-lab --cm-namespace cm-old
left() {
	api GET /api/v1/namespaces/cm-old/configmaps | jq -r '[.items[] |
		[(.immutable // false)] | map(tostring) | join("")] | join(" ")'
}
is "what is older than 72 h goes, what is over is immutable" "$(left)" "true true false"
check "each is told" [ "$(grep -c footprints_deleted "$DIR/log")" = 2 ]
check "a retention of its own" \
	store --oneshot --namespace voice-lab --cm-namespace cm-old --cm-retention 6h
is "is kept to" "$(left)" "true false"
