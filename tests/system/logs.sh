#!/bin/sh
# Every line on standard error is JSON of one shape, or logfmt of the same; standard output
# has one line for each change and nothing else, and neither has a token or a key in it.
. "$SRC/tests/system/lib.sh"

ONE=34.82.10.1
TWO=34.82.10.2
LEASE_DURATION=10

start_world --nodes 4 --addresses $ONE,$TWO --ephemeral
install_crd
# the first token that the cloud gives is known to us, and will be refused
TOKEN=ya29.0123456789abcdef0123456789abcdef
know_token() { fault "$(jq -nc --arg t $TOKEN '{target: "metadata", path: "/token", status: 200,
	body: {access_token: $t, expires_in: 3599, token_type: "Bearer"}}')"; }
know_token
start_ipwarden --log-level debug
eventually 30 "all processes are ready" all_ready
WORKLOAD=web
deployment web
allocation web $ONE $TWO >/dev/null
eventually 20 "attached" kc wait --for=condition=Ready nia/web --timeout=1s

# --- much happens -------------------------------------------------------------------
# names and messages with quotes and line ends, refusals, a restart, a move
SAID='say "no"
to a=b, é and \'
be_difficult() {
	fault '{"target":"kube","method":"PATCH","path":"/status","status":409,
		"body":"{\"message\":\"a \\\"quote\\\"\\nand a line end \\u0007\"}"}'
	fault '{"target":"gce","status":401,
		"body":"{\"error\":{\"message\":\"no\\n\\\"way\\\"\"}}"}'
	fault "$(jq -nc --arg said "$SAID" '{target: "kube", method: "PATCH",
		path: "/api/v1/nodes/", status: 422,
		user: "system:serviceaccount:kube-system:ip-address-controller-sa",
		body: {kind: "Status", reason: "Invalid", message: $said}}')"
}
be_difficult
NODE=$(node_of $ONE)
cordon "$NODE"
eventually 20 "one has moved" moved $ONE "$NODE"
old=$(pid_of watcher)
kill -9 "$old"
again() { [ "$(pid_of watcher)" != "$old" ] && is_ready watcher; }
eventually 20 "the watcher was killed, and is back" again
eventually 20 "Ready again" kc wait --for=condition=Ready nia/web --timeout=1s
refusal() { grep -q "event\"*[:=]\"*label_refused" "$LOG"; }
eventually 20 "a refusal was logged" refusal
used=$(curl -sS "$METRICS_URL/metrics" |
	grep -c '^ipwarden_cloud_calls_total{.*code="401"} [1-9]')
kill -TERM "$MAIN"
wait "$MAIN"
MAIN=

# --- standard error -----------------------------------------------------------------
# every LINES WHAT FILTER: jq decides of each line
every() {
	is "$2" "$(jq -cR "fromjson? // \"no JSON: \" + . | select(($3) | not)" "$1" |
		head -3)" ""
}
LEVELS='"debug", "info", "warn", "error"'
NAMES=$(printf '"%s", ' $ROLES)'"supervisor", "config"'
every "$LOG" "each line is an object" 'type == "object"'
every "$LOG" "with a time" '.ts | test("^20[0-9-]{8}T[0-9:]{8}\\.[0-9]{6}Z$")'
every "$LOG" "a level" ".level | IN($LEVELS)"
every "$LOG" "an event" '.event | type == "string" and test("^[a-z_]+$")'
every "$LOG" "the same in words" '.msg == (.event | gsub("_"; " "))'
every "$LOG" "what failed says why under one name" 'if (.event |
	IN("watch_failed", "lease_trouble", "status_refused", "label_refused", "order_ended"))
	then has("error") else .event == "message" or (has("message") | not) end'
every "$LOG" "and a process of the known set" ".process | IN($NAMES)"
is "no key comes twice" "$(jq -cR 'select(contains("\\") | not) |
	select(. != (fromjson | tojson))' "$LOG" | head -3)" ""
is "those that have something to say have spoken" \
	"$(jq -r .process "$LOG" | sort -u | grep -vE 'dialer|resolver|config' | xargs)" \
	"cloudworker metricsd reconciler supervisor watcher"

is "what was said stands in it as it was said" \
	"$(jq -r --arg said "$SAID" 'select(.event == "label_refused") |
		(.error | endswith(": " + $said)), .node' "$LOG" | xargs)" "true $NODE"
is "what a line is about has one name" "$(jq -rn '[inputs | keys[] |
	select(IN("allocation", "address", "node", "zone", "leader", "error"))] |
	unique | join(" ")' "$LOG")" "address allocation error leader node zone"

# --- standard output ----------------------------------------------------------------
every "$AUDIT" "each line of the audit stream is an object of one shape" \
	'type == "object" and (.time | test("^20[0-9-]{8}T[0-9:]{8}\\.[0-9]{6}Z$")) and
	.who == "ipwarden-0" and (.term | type == "number") and
	.lease == "kube-system/ip-address-controller-leader" and
	(.what | IN("status", "label", "unlabel", "attach", "detach", "give ephemeral",
	"annotate", "finalizer on", "finalizer off")) and (.object | test("^(web|node-[1-4]|ipwarden-0)$")) and
	(.why | type == "string" and . != "") and
	.before != null and .after != null and (.request_id | test("^[0-9a-f-]{36}$")) and
	(.result | type == "string" and . != "") and (.duration_ms | . >= 0)'
every "$AUDIT" "a change of the cloud says where from, where to" \
	'(.what | IN("attach", "detach", "give ephemeral") | not) or
	(.process == "cloudworker" and (.before + .after | test("^[0-9]+$")) and
	(.address | test("^[0-9.]+$")) and has("reason"))'
every "$AUDIT" "a label says which ones, a status what differs" \
	'.process == "cloudworker" or (.process == "reconciler" and
	(.what | IN("label", "unlabel") | not or
	((.before | type == "object") and (.after | type == "object") and
	(if .what == "unlabel" then .before["ip.ready"] == "true" and .after == {}
	else .after["ip.ready"] == "true" end))) and
	(.what != "status" or .before != .after))'
steps=$(jq -r --arg a $ONE 'select(.what == "status" and .result == "200") | .after[$a] |
	select(type == "object") | .intent.step // .state' "$AUDIT" | uniq | xargs)
is "a move is there step by step" "$(echo "$steps" |
	grep -cE 'Attach Attached (Draining )?Detach ((Attach|Ephemeral) )+Attached$')" 1
is "each write has a request of its own" \
	"$(jq -r 'select(.process == "reconciler") | .request_id' "$AUDIT" | sort | uniq -d)" ""
jq -r 'select(.audit_id != "") | .audit_id' "$DIR/requests.jsonl" | sort >"$DIR/asked"
jq -r 'select(.process == "reconciler" and .result != "not sent") | .request_id' "$AUDIT" |
	sort >"$DIR/audited"
is "which the API server heard" "$(comm -13 "$DIR/asked" "$DIR/audited")" ""
# the world's own record of what the API did, against what the audit stream says
jq -r 'select(.by == "api" and (.fact == "attach" or .fact == "detach")) |
	.request_id + " " + .address + " " + .fact' "$ATTACHMENTS_LOG" |
	sort >"$DIR/done"
jq -r 'select(.result == "done") |
	.request_id + " " + .address + " " + (if .what == "detach" then "detach" else "attach" end)
	' "$AUDIT" | sort >"$DIR/told"
check "one line for each change of the cloud, none for what was not done" \
	diff "$DIR/done" "$DIR/told"
check "which were several" test "$(wc -l <"$DIR/done")" -ge 7
is "a conflict is told with its code" \
	"$(jq -r 'select(.result | startswith("409")) | .what' "$AUDIT" | sort -u)" status
labelled() {
	jq -r --arg w "$1" 'select(.what == $w and .result == "200") | .object' "$AUDIT" |
		sort | xargs
}
is "one line for each label that was taken off" "$(labelled unlabel)" "$NODE"
is "and for each that was put on" "$(labelled label | wc -w)" 3

# --- the chain over its lines ---------------------------------------------------------
verify() { "$STAGE/bin/ipwardenctl" audit verify "$@"; }
check "no line of the audit stream was removed, altered or moved" verify "$AUDIT"
sed 3d "$AUDIT" >"$DIR/removed"
sed '4s/"why":"/&x/' "$AUDIT" >"$DIR/altered"
sed -n '2h;2!p;3{x;p}' "$AUDIT" >"$DIR/moved"
for how in removed altered moved; do
	verify "$DIR/$how" >"$DIR/verdict"
	is "a line that was $how is found" $? 1
	check "and named" grep -q "^line [2345]: run .* $how" "$DIR/verdict"
done
head -4 "$AUDIT" >"$DIR/first"
tail -n +5 "$AUDIT" >"$DIR/rest"
check "a stream in pieces is sound" verify "$DIR/first" "$DIR/rest"
verify "$DIR/none" >/dev/null 2>&1
is "a file that is not there" $? 2

# --- the same as logfmt -------------------------------------------------------------
JSON=$LOG
JSON_AUDIT=$AUDIT
LOG=$DIR/logfmt
AUDIT=$DIR/logfmt.audit
: >"$LOG"
WITH=LOG_FORMAT=logfmt
know_token
launch_ipwarden --log-level debug
eventually 30 "logfmt: it leads" grep -q ' event=leader_won leader=ipwarden-0 ' "$LOG"
be_difficult
NODE=$(node_of $TWO)
cordon "$NODE"
eventually 20 "logfmt: one has moved" moved $TWO "$NODE"
eventually 20 "logfmt: a refusal was logged" refusal
kill -TERM "$MAIN"
wait "$MAIN"
MAIN=
# As readers of the format go on: a quoted value is JSON's; the fields are all of the line.
read_logfmt() {
	jq -cR '. as $line |
		[scan("([a-z_]+)=(\"(?:[^\"\\\\]|\\\\.)*\"|[^\" =]+)")] as $fields |
		if ($fields | map(join("=")) | join(" ")) != $line then {broken: $line}
		else [$fields[] | {key: .[0], value:
			(.[1] | if startswith("\"") then fromjson else . end)}] | from_entries
		end' "$1" >"$1.json"
}
read_logfmt "$LOG"
every "$LOG.json" "logfmt: each line is fields, well quoted" 'has("broken") | not'
is "logfmt: a line begins as those of the IP Address Controller" \
	"$(grep -cvE '^ts=20[0-9-]{8}T[0-9:.]{15}Z level=(DEBUG|INFO|WARNING|ERROR) msg=' "$LOG")" 0
every "$LOG.json" "logfmt: with an event, in words too, and a process" \
	".msg == (.event | gsub(\"_\"; \" \")) and (.process | IN($NAMES))"
is "logfmt: what was said stands in it as it was said" \
	"$(jq -r --arg said "$SAID" 'select(.event == "label_refused") |
		(.trace | endswith(": " + $said)), .node' "$LOG.json" | xargs)" "true $NODE"
is "logfmt: what a line is about has the IP Address Controller's names" \
	"$(jq -rn '[inputs | keys[] | select(IN("allocation", "address", "error", "crd", "ip",
		"node", "zone", "leader", "trace"))] | unique | join(" ")' "$LOG.json")" \
	"crd ip leader node trace zone"
is "logfmt: the same have spoken" \
	"$(jq -r .process "$LOG.json" | sort -u | grep -vE 'dialer|resolver|config' | xargs)" \
	"cloudworker metricsd reconciler supervisor watcher"
check "the audit stream is as it was" verify "$AUDIT"
# a path that is no UTF-8, and ends a line
PATHNAME=$(printf '%s/a "b"\n=\377\\ \033[2J' "$DIR")
refused() {
	code=0
	env -i PATH="$PATH" HOME="$DIR" METRICS_PORT=0 HEALTH_PORT=0 "$@" "$STAGE/bin/ipwarden" \
		--kubeconfig "$PATHNAME" 2>"$DIR/refused" || code=$?
	[ $code -eq 2 ]
}
SHOWN=$(printf '%s/a "b"\n=\357\277\275\\ \033[2J' "$DIR")
names_it() {
	is "$1: it is named" "$(jq -r 'select(.event == "kubeconfig_unreadable") | .path' "$2")" \
		"$SHOWN"
}
check "a kubeconfig that is not there" refused LOG_FORMAT=json
names_it json "$DIR/refused"
check "logfmt: a kubeconfig that is not there" refused LOG_FORMAT=logfmt
read_logfmt "$DIR/refused"
names_it logfmt "$DIR/refused.json"

# --- secrets ------------------------------------------------------------------------
no_secret() { # WHAT TEXT
	[ ${#2} -ge 16 ] || { not_ok "$1: no such secret"; return; }
	is "$1 is nowhere" "$(grep -lF -- "$2" "$JSON" "$JSON_AUDIT" "$LOG" "$AUDIT" | xargs)" ""
}
for config in "$KUBECONFIG" "$CONTROLLER_KUBECONFIG" "$WATCHER_KUBECONFIG"; do
	no_secret "the token of $(basename "$config")" \
		"$(sed -n 's/^ *token: //p' "$config")"
done
no_secret "the cloud's token" $TOKEN
check "which was used" test "$used" -ge 1
is "nor anything that looks like one" "$(grep -ciE \
	'bearer |ya29\.|BEGIN [A-Z ]*(KEY|CERTIFICATE)|eyJ[A-Za-z0-9_-]{16}' "$JSON" "$JSON_AUDIT" "$LOG" "$AUDIT" |
	sed 's/.*://' | xargs)" "0 0 0 0"
check "no violations" no_violations
