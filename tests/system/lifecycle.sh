#!/bin/sh
# A cluster's life with ipwarden, its addresses on their nodes throughout: from the IP Address
# Controller (old_tool.sh acts in its place) to ipwarden as deploy/ installs it, to the next
# version, back with all that that one has written still there, and back to the old one.
# Each change is a rolling update, as the Deployment makes it. The next version is this one
# under another number; what it alone would write is written in its place.
. "$SRC/tests/system/lib.sh"
. "$SRC/tests/system/old_tool.sh"
. "$SRC/tests/system/installed.sh"

ONE=34.82.10.1
TWO=34.82.10.2
NEXT=9.9.9
NAME_OF=ip-address-controller

# leads NAME...: one of these
leads() { case " $* " in *" $(holder) "*) ;; *) return 1 ;; esac; }
version_is() { metric "ipwarden_build_info{version=\"$1\"" | grep -qx 1; }

# --- a world as the old one leaves it -------------------------------------------------

start_world --nodes 4 --addresses $ONE,$TWO
rights_count
old_objects $ONE, $TWO
old_starts old-1 $ONE $TWO
eventually 20 "the old controller leads" holder_is old-1
eventually 30 "and is done" rests old-1 2
before=$(changes)
watch_nodes

# --- over to ipwarden -----------------------------------------------------------------

check "installed in the words of deploy/README.md" page "Installing" 1
as_pods
replica $NAME_OF-a node-3
eventually 20 "beside the old one it waits" says pool Ready "Unknown OtherControllerRunning"
old_ends old-1
replica $NAME_OF-b node-4
eventually 40 "the addresses are taken over" says pool Ready "True "
is "by the access configs that were there" "$(nat_of node-1), $(nat_of node-2)" \
	"external-nat $ONE, external-nat $TWO"
is "no address was touched" "$(changes)" "$before"
is "no label was lost" "$(label_losses node-1 node-2)" 0

# --- the next version -----------------------------------------------------------------

# a definition with fields that this version does not have
VERSION=/spec/versions/0/schema/openAPIV3Schema/properties
next_definition() {
	kc patch crd netipallocations.netinfra.darkbrains.com --type=json -p "$(jq -n -c \
		--arg at $VERSION '[("/spec/properties/family", "/status/properties/family",
		"/status/properties/addresses/items/properties/peer") | {op: "add",
		path: ($at + .), value: {type: "string"}}]')"
}
# roll FROM TO NODE: a replica more, and when it is Ready one less
roll() {
	replica "$NAME_OF-$2" "$3"
	replica_ends "$NAME_OF-$1"
}
cp -a "$STAGE" "$DIR/next" || exit 1
NOW=$("$STAGE/bin/ipwarden" --version)
NOW=${NOW#* }
THIS=$STAGE
# the same number of bytes
LC_ALL=C sed -i "s/$NOW/$NEXT/g" "$DIR/next/libexec/ipwarden/ipwarden-metricsd"

check "the next version's definition" next_definition
STAGE=$DIR/next
roll a c node-3
roll b d node-4
check "it is the next one" version_is $NEXT
eventually 20 "which leads" leads $NAME_OF-c $NAME_OF-d
eventually 20 "Ready" says pool Ready "True "
is "the addresses are where they were" "$(node_of $ONE) $(node_of $TWO)" "node-1 node-2"
is "no address was touched" "$(changes)" "$before"
is "no label was lost" "$(label_losses node-1 node-2)" 0

# rewrite PATH JQ...: as somebody who reads, changes and writes
rewrite() {
	path=$1
	shift
	api GET "$path" | jq "$@" >"$DIR/rewritten"
	api PUT "$path" -o /dev/null -H 'Content-Type: application/json' \
		--data-binary "@$DIR/rewritten"
}
INTENT='{"schemaVersion":2,"id":"n-1","step":"Rehome","via":{"peer":"node-4"}}'
next_writes() {
	rewrite "$NIA/pool/status" --argjson intent "$INTENT" '.status.family = "dual" |
		.status.addresses[].peer = "p-1" | .status.addresses[0].intent = $intent |
		.status.conditions += [{type: "Balanced", status: "True", reason: "Next"}]'
}
edit_allocation pool '{"family":"dual"}'
merge_patch "$NIA/pool" '{"metadata":{"annotations":{"netinfra.darkbrains.com/next":"n"}}}'
until_true 20 rewrite "$LEASE" '.metadata.annotations.next = "n" | .spec.strategy = "Next"'
eventually 20 "the next version writes what this one does not know" next_writes

# --- and back -------------------------------------------------------------------------

STAGE=$THIS
roll c e node-3
roll d f node-4
check "it is this one" version_is "$NOW"
eventually 20 "which leads" leads $NAME_OF-e $NAME_OF-f
eventually 20 "a step that it does not know is left alone" entry_is pool $ONE \
	"Blocked UnknownJournal"
check "with the word of what helps" entry_says pool $ONE "until the newer ipwarden is back"
check "the object says so" says pool Ready "False UnknownJournal"
crd_status() { curl -sS "$(cat "$DIR/$(holder).metrics")/metrics" |
	grep -q 'netipallocation_crd_status{crd_name="pool"} 0'; }
eventually 10 "and so do the metrics" crd_status
cordon node-2
eventually 20 "the other address is held by its pod" entry_is pool $TWO "Draining InUse"
is "no address was touched" "$(changes)" "$before"
is "no label was lost" "$(label_losses node-1 node-2)" 0
remove_object /api/v1/namespaces/default/pods/sip-2
eventually 30 "without it, it moves" moved $TWO node-2
eventually 30 "and is at rest" entry_is pool $TWO "Attached Attached"
uncordon node-2
# what is still there of it, after all that was written since
still() {
	api GET "$NIA/pool" | jq -c '[.spec.family, .status.family, .status.addresses[].peer,
		(.status.conditions[] | select(.type == "Balanced").reason),
		.metadata.annotations["netinfra.darkbrains.com/next"],
		.status.addresses[0].intent]'
}
is "all that the next version has written is there" "$(still)" \
	'["dual","dual","p-1","p-1","Next","n",'"$INTENT"']'
is "also in the Lease" "$(api GET "$LEASE" |
	jq -r '.metadata.annotations.next + " " + .spec.strategy')" "n Next"
before=$(changes)
eventually 10 "the command of deploy/README.md lets go of the step" \
	page "Upgrading, and going back" 2 "s/NAME/pool/g"
eventually 20 "the address is adopted where it is" entry_is pool $ONE "Attached Attached"
is "with nothing touched" "$(changes)" "$before"
eventually 10 "Ready" says pool Ready "True "

# --- back to the old one --------------------------------------------------------------

kill $WATCH
others_but $WATCH
watch_nodes
NOW_ON=$(node_of $TWO)
edit_allocation pool '{"deletionPolicy":"Retain"}'
bare_of_ours() { [ "$(api GET "$NIA/pool" | jq '.metadata.finalizers | length')" = 0 ]; }
eventually 20 "with Retain no finalizer is left" bare_of_ours
old_starts old-3 $ONE $TWO
eventually 20 "beside the old one nothing is changed any more" says pool Ready \
	"OtherControllerRunning"
replica_ends $NAME_OF-e
replica_ends $NAME_OF-f
old_definition
eventually 20 "the old controller takes the lease" holder_is old-3
eventually 30 "looks around" rests old-3 2
check "it finds nothing to do" [ ! -s "$DIR/old-3.acts" ]
is "no address was touched on the way back" "$(changes)" "$before"
is "no label was lost either" "$(label_losses node-1 "$NOW_ON")" 0
is "the object can be deleted" "$(kc delete nia pool --timeout=10s)" \
	'netipallocation.netinfra.darkbrains.com "pool" deleted'

# --- one at a time ----------------------------------------------------------------------

MS='def ms: (.time[0:19] + "Z" | fromdate) * 1000 + (.time[20:23] | tonumber);'
is "each term had one leader, who acted after the one before" "$(cat "$DIR"/$NAME_OF-?.audit |
	jq -s -c "$MS"' group_by(.term) | [.[] | {who: (map(.who) | unique),
		first: (map(ms - .duration_ms) | min), last: (map(ms) | max)}] |
	[(map(.who | length) | unique), (. as $t | [range(1; length) |
		select($t[.].first < $t[. - 1].last)] | length)]')" '[[1],0]'
check "no violations" no_violations
judge | sed 's/^/# /'
