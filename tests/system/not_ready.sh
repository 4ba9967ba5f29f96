#!/bin/sh
# Nodes that are NotReady: nothing moves within the grace; after it one does, whatever pods
# are said to be there; and when many are NotReady, nothing does.
. "$SRC/tests/system/lib.sh"

ADDRESS=34.82.10.
GRACE=30 # the least that there is

start_world --nodes 11 --zones us-west1-a,us-west1-b \
	--addresses "$(seq -s, -f $ADDRESS%g 5)"
install_crd
deployment web
start_ipwarden
eventually 30 "all processes are ready" all_ready
# node-1, node-3, … are in zone a
for n in 1 3 5 7; do node_labels node-$n '{"pool":null,"set":"one"}'; done
for n in 2 4 6 8 9; do node_labels node-$n '{"pool":null,"set":"many"}'; done
for n in 10 11; do node_labels node-$n '{"pool":null,"set":"patient"}'; done
WORK='"workloadRef":{"kind":"Deployment","name":"web"},"notReadyGraceSeconds":'
spec_allocation one '{'"$WORK$GRACE"',"nodeSelector":{"set":"one"},
	"reservedIPs":["'${ADDRESS}1'"]}'
spec_allocation many '{'"$WORK$GRACE"',"nodeSelector":{"set":"many"},
	"reservedIPs":["'${ADDRESS}2'","'${ADDRESS}3'"]}'
spec_allocation patient '{"nodeSelector":{"set":"patient"},
	"reservedIPs":["'${ADDRESS}4'"]}'
eventually 20 "all are attached" kc wait --for=condition=Ready nia --all --timeout=1s
ONE=$(node_of ${ADDRESS}1)
MANY=$(node_of ${ADDRESS}2)
OTHER=$(node_of ${ADDRESS}3)
PATIENT=$(node_of ${ADDRESS}4)
pod default/web-abc12-a "$ONE" web
pod default/web-abc12-b "$MANY" web

# Long before ipwarden looked: the grace is counted from its own look at the earliest.
since=$(now_ms)
for node in "$ONE" "$MANY" "$OTHER"; do node_ready "$node" Unknown; done
node_ready "$PATIENT" Unknown 100
lists=$(calls instances.list)
eventually 20 "two more looks at the cloud" more_calls instances.list $((lists + 3))
is "within the grace nothing moves" "$(node_of ${ADDRESS}1) $(node_of ${ADDRESS}2)" "$ONE $MANY"
is "nor do labels go" "$(label "$ONE" ip.ready) $(label "$MANY" ip.ready)" "true true"
eventually $((GRACE + 15)) "after the grace it moves" moved ${ADDRESS}1 "$ONE"
took=$((($(now_ms) - since) / 1000))
check "not before ($took s)" [ $took -ge $((GRACE - 1)) ]
eventually 10 "which is told" event Moved "${ADDRESS}1 moved $ONE→"

# --- the brake ------------------------------------------------------------------------
eventually 10 "when many are NotReady it says so" \
	entry_says many ${ADDRESS}2 "so many nodes are not ready"
check "as the reason" entry_is many ${ADDRESS}2 "Draining ManyNodesNotReady"
lists=$(calls instances.list)
eventually 20 "two more looks again" more_calls instances.list $((lists + 3))
is "nothing moves for it" "$(node_of ${ADDRESS}2) $(node_of ${ADDRESS}3)" "$MANY $OTHER"
is "its labels stay" "$(label "$MANY" ip.ready) $(label "$OTHER" ip.ready)" "true true"
node_ready "$OTHER" True
eventually 15 "when fewer are, it moves" moved ${ADDRESS}2 "$MANY"
is "the other one stays" "$(node_of ${ADDRESS}3)" "$OTHER"
is "the usual grace is longer than all this" "$(node_of ${ADDRESS}4)" "$PATIENT"
check "no violations" no_violations
