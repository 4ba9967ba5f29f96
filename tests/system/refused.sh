#!/bin/sh
# What the API server refuses is told where its user looks: a missing right by the rule to
# add, a status or labels that it will not have by an event; and all is well once it is
# mended. A conflict is no news.
. "$SRC/tests/system/lib.sh"

ONE=34.82.10.1

# refuse PATH STATUS REASON MESSAGE [COUNT]: patches there, all of them if not said
refuse() {
	fault "$(jq -n --arg path "$1" --argjson status "$2" --arg reason "$3" \
		--arg message "$4" --argjson count "${5:--1}" '{target: "kube", method: "PATCH", path: $path,
		status: $status, count: $count, body: {kind: "Status", apiVersion: "v1",
		status: "Failure", reason: $reason, message: $message, code: $status}}')"
}
told() { jq -Rr 'fromjson? | select(.event == "right_missing") | .rule' "$LOG"; }
tells() { told | grep -qxF "$1"; }
ready_now() { kc wait --for=condition=Ready nia/pool --timeout=1s; }

start_world --nodes 3 --addresses $ONE
install_crd
start_ipwarden
eventually 30 "all processes are ready" all_ready

# --- the status ---------------------------------------------------------------------
refuse /status 403 Forbidden "User cannot patch resource netipallocations/status"
allocation pool $ONE >/dev/null
eventually 20 "a right to write the status that is missing is logged" \
	tells "patch netipallocations.netinfra.darkbrains.com/status"
eventually 20 "its owner hears of it" event StatusRefused "403 Forbidden: User cannot patch"
is "nothing has been begun" "$(grep -c '"event":"order_begun"' "$LOG")" 0
clear_faults
# what comes after the status, too, so that it cannot come in between
refuse /nodes/ 403 Forbidden "User cannot patch resource nodes"
refuse /status 409 Conflict "the object has been modified" 1
conflicts() { jq -Rr 'fromjson? | .result' "$AUDIT" | grep -q '409 Conflict'; }
eventually 70 "a conflict is met" conflicts
is "and no news" "$(api GET /api/v1/events | jq '[.items[] | select(.message | contains("409"))] | length')" 0

# --- labels -------------------------------------------------------------------------
eventually 30 "the address is attached" attached $ONE
eventually 30 "a right to label nodes that is missing is logged" tells "patch nodes"
eventually 30 "its owner hears of it" event LabelRefused "403 Forbidden: User cannot patch"
eventually 60 "the allocation is Ready without them" ready_now
clear_faults
NODE=$(node_of $ONE)
eventually 90 "the labels come once they may" label_is "$NODE" ip.ready true
is "each right is told once" "$(told | sort | uniq -d)" ""
check "no violations" no_violations
judge | sed 's/^/# /'
