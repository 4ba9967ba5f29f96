#!/bin/sh
# kill -9 of each process at each step that the journal knows, as a matrix. One allocation
# each is held at each step by the world's faults, all at the same time; that it is there
# is read from the journal, the labels and the cloud; then one process is killed, what is
# held goes on, and everything must come to its end: attached once, labelled, Ready, no
# intent open, ephemeral addresses where they belong. Then the next process.
#
# Few calls may be open at once, so the steps are those of several worlds side by side:
# leaving (a move up to its detach), arriving (from there to its end), room (what becomes
# of ephemeral addresses), first (an address that was nowhere), releasing (an address whose
# object is deleted, up to its detach), giving (from there until the object is gone), and
# evicting (a pod that is left on a node whose address somebody took).
#
# PROCESSES: those to kill. WORLDS: those worlds.
. "$SRC/tests/system/lib.sh"

PROCESSES=${PROCESSES:-supervisor $ROLES}
WORLDS=${WORLDS:-leaving arriving room first releasing giving evicting}
# A call ends by itself after that: what is held longer is not held by us any more.
CALL_MS=10000

# steps WORLD: name, the request that is held, how; then what must be true meanwhile: the
# step in the journal, who has the address, who is labelled, and the ephemeral address of
# the target: there, gone, or - (it never had one). A release has no target: that is the
# node that is left.
steps() {
	case $1 in
	leaving) cat <<-TABLE ;;
		intent-unanswered  status:Detach  after      Detach     from    from    -
		intent-written     label-from     before     Detach     from    from    -
		labels-off         label-from     after      Detach     from    nobody  -
		detach-sent        detach-from    before     Detach     from    nobody  -
		detach-unanswered  detach-from    after      Detach     from    nobody  -
		detach-running     detach-from    operation  Detach     from    nobody  -
		detach-unread      detach-from    wait       Detach     nobody  nobody  -
		detach-journaled   status:Attach  after      Attach     nobody  nobody  -
	TABLE
	arriving) cat <<-TABLE ;;
		attach-sent        attach-to      before     Attach     nobody  nobody  -
		attach-unanswered  attach-to      after      Attach     nobody  nobody  -
		attach-running     attach-to      operation  Attach     nobody  nobody  -
		attach-unread      attach-to      wait       Attach     to      nobody  -
		label-sent         label-to       before     Attach     to      nobody  -
		labels-on          label-to       after      Attach     to      to      -
		close-sent         closing        before     Attach     to      to      -
		closed             closing        after      none       to      to      -
	TABLE
	room) cat <<-TABLE ;;
		take-sent          detach-to      before     Ephemeral  nobody  nobody  there
		take-unanswered    detach-to      after      Ephemeral  nobody  nobody  there
		take-running       detach-to      operation  Ephemeral  nobody  nobody  there
		take-unread        detach-to      wait       Ephemeral  nobody  nobody  gone
		taken              status:taken   after      Attach     nobody  nobody  gone
		give-sent          attach-from    before     Attach     to      to      gone
		give-unread        attach-from    wait       Attach     to      to      gone
	TABLE
	first) cat <<-TABLE ;;
		first-unanswered   status:Attach  after      Attach     nobody  nobody  -
		first-sent         attach-to      before     Attach     nobody  nobody  -
		first-accepted     attach-to      after      Attach     nobody  nobody  -
		first-running      attach-to      operation  Attach     nobody  nobody  -
		first-unread       attach-to      wait       Attach     to      nobody  -
		first-label-sent   label-to       before     Attach     to      nobody  -
		first-labels-on    label-to       after      Attach     to      to      -
		first-closed       closing        after      none       to      to      -
	TABLE
	releasing) cat <<-TABLE ;;
		off-unanswered     status:Release after      Release    from    from    -
		off-written        label-from     before     Release    from    from    -
		off-labels-off     label-from     after      Release    from    nobody  -
		off-sent           detach-from    before     Release    from    nobody  -
		off-accepted       detach-from    after      Release    from    nobody  -
		off-running        detach-from    operation  Release    from    nobody  -
		off-unread         detach-from    wait       Release    nobody  nobody  -
	TABLE
	giving) cat <<-TABLE ;;
		back-sent          attach-from    before     Release    nobody  nobody  gone
		back-unanswered    attach-from    after      Release    nobody  nobody  gone
		back-running       attach-from    operation  Release    nobody  nobody  gone
		back-unread        attach-from    wait       Release    nobody  nobody  there
		released           closing        before     Release    nobody  nobody  there
		released-unread    closing        after      none       nobody  nobody  there
		finalizer-sent     finalizer      before     none       nobody  nobody  there
		finalizer-off      finalizer      after      none       nobody  nobody  there
	TABLE
	evicting) cat <<-TABLE ;;
		evict-sent         eviction       before     none       to      to      -
		evict-unanswered   eviction       after      none       to      to      -
	TABLE
	esac
}

# --- one world ----------------------------------------------------------------------

# make_world WORLD: step n has address n and two nodes
make_world() {
	count=$(steps "$1" | wc -l)
	ephemeral=
	case $1 in room | releasing | giving) ephemeral=--ephemeral ;; esac
	# shellcheck disable=SC2086
	start_world --nodes $((2 * count)) $ephemeral \
		--addresses "$(seq -s, -f 34.82.10.%g "$count")"
	install_crd
	control POST /gce/settings --data-binary '{"operation_latency_ms":100}' >/dev/null
	steps "$1" | awk '{ print NR, $1 }' >"$DIR/slots"
	while read -r n step; do
		for node in $((2 * n - 1)) $((2 * n)); do
			echo PATCH "$KUBE_URL/api/v1/nodes/node-$node" \
				'{"metadata":{"labels":{"slot":"'"$step"'"}}}'
		done
	done <"$DIR/slots" | batch
	[ "$1" != evicting ] || while read -r _ step; do deployment "$step"; done <"$DIR/slots"
	allocate "$1"
}

# allocate WORLD: an allocation a step
allocate() {
	while read -r n step; do
		spec_allocation "$step" "$(jq -nc --arg name "$step" --arg address "34.82.10.$n" \
			--arg world "$1" '{nodeSelector: {slot: $name}, reservedIPs: [$address]} +
			(if $world == "evicting" then {workloadRef: {kind: "Deployment", name: $name}}
			else {} end)')"
	done <"$DIR/slots"
}

all_at_rest() { api GET "$NIA" | jq -e 'all(.items[];
	.status.addresses[0].state == "Attached" and .status.addresses[0].intent == null)'; }
attach_all() { # WORLD
	start_ipwarden
	eventually 40 "$1: all are attached" all_at_rest
	stop_ipwarden
}

releases() { [ "$1" = releasing ] || [ "$1" = giving ]; }

# Few processes, so that a busy machine does not make the steps lie far apart in time.

# world: everything as it is now, as one object a part: what is held, allocations, nodes,
# the cloud
world() {
	curl -sS -f --cacert "$SIM_CA" -H "Authorization: Bearer $KUBE_TOKEN" \
		"$CONTROL_URL/faults" "$KUBE_URL$NIA" "$KUBE_URL/api/v1/nodes" \
		"$CONTROL_URL/gce/state"
}
# shellcheck disable=SC2016 # the $ are jq's
NOW='(input) as $faults | (input) as $nias | (input) as $nodes | (input) as $cloud |
	{held: $faults.held, nias: $nias.items, nodes: $nodes.items,
	instances: $cloud.instances} as $now |'

# batch: carries out lines of method, URL and body, one after the other, as one process
batch() {
	between=
	while read -r method url body; do
		printf "$between"'request = "%s"\nurl = "%s"\n' "$method" "$url"
		between='next\n'
		[ -z "$body" ] || printf 'data = "%s"\n' "$(printf %s "$body" | sed 's/[\\"]/\\&/g')"
		printf 'cacert = "%s"\nheader = "Authorization: Bearer %s"\n' "$SIM_CA" "$KUBE_TOKEN"
		printf 'header = "Content-Type: application/merge-patch+json"\n'
		printf 'output = "/dev/null"\nfail\nsilent\nshow-error\n'
	done | curl -K -
}

# Each step with its address, where it is and where it goes, and what is to be seen.
expect() { # WORLD
	steps "$1" | jq -R . >"$DIR/steps"
	releases=false
	! releases "$1" || releases=true
	world | jq -n --slurpfile steps "$DIR/steps" --argjson releases $releases "$NOW"'[$steps[] | split(" ") |
		map(select(. != ""))] | to_entries | map(.key as $i | .value as $row |
		"34.82.10.\($i + 1)" as $address |
		(["node-\(2 * $i + 1)", "node-\(2 * $i + 2)"] | sort) as $pair |
		[$now.instances[] | select(.external_ip == $address) | .name] as $holds |
		($holds[0] // $pair[1]) as $from |
		(if $releases then $from else ($pair - [$from])[0] end) as $to |
		{from: $from, to: $to, nobody: ""} as $who |
		def id($name): $now.instances[] | select(.name == $name) | .id;
		{step: $row[0], request: $row[1], hold: $row[2], address: $address,
			journal: ($row[3] | sub("none"; "")), holder: $who[$row[4]],
			ready: $who[$row[5]], ephemeral: $row[6], from: $from, to: $to,
			from_id: id($from), to_id: id($to), releases: $releases})' >"$DIR/expected"
}

# The faults that hold each of them, one a line.
hold_all() {
	jq -c '.[] | (.request | split("-|:"; "")) as $r |
		(if $r[1] == "from" then .from else .to end) as $node |
		(if $r[1] == "from" then .from_id else .to_id end) as $id |
		if $r[0] == "status" or $r[0] == "closing" then {target: "kube",
			method: "PATCH", path: "/netipallocations/\(.step)/status", hold,
			contains: (if $r[0] == "closing" and .releases then "\"reason\":\"Released\""
				elif $r[0] == "closing" then "\"message\":\"on \(.to)\""
				elif $r[1] == "taken" then "\"ephemeralTaken\":true,\"since\""
				else "\"step\":\"\($r[1])\"" end)}
		elif $r[0] == "finalizer" then {target: "kube", method: "PATCH",
			path: "/netipallocations/\(.step)", hold, contains: "\"finalizers\""}
		elif $r[0] == "label" then {target: "kube", method: "PATCH",
			path: "/api/v1/nodes/\($node)", hold, contains:
			(if $r[1] == "from" then "\"ip.ready\":null"
				else "\"ip.ready\":\"true\"" end)}
		elif $r[0] == "eviction" then {target: "kube", method: "POST", hold,
			path: "/pods/\(.step)-abc12-a/eviction"}
		else {target: "gce", method: "POST", hold, path: "/instances/\($id)/\(
			if $r[0] == "detach" then "deleteAccessConfig"
			else "addAccessConfig" end)"} end' "$DIR/expected"
}

# seen: what of the expected is not so, a line each; succeeds when there is none
seen() {
	world | jq -rn --slurpfile e "$DIR/expected" "$NOW"'$e[0][] | . as $e |
		[$now.held[] | select(.hold == $e.hold and
			(if ($e.request | test("^(status|closing)"))
			then .path | contains("/\($e.step)/status")
			elif $e.request == "finalizer" then .path | endswith("/\($e.step)")
			elif $e.request == "label-from" then .path | endswith("/\($e.from)")
			elif $e.request == "label-to" then .path | endswith("/\($e.to)")
			elif $e.request == "eviction" then .path | contains("/\($e.step)-abc12-a/")
			elif ($e.request | endswith("-from")) then .path | contains($e.from_id)
			else .path | contains($e.to_id) end))] as $held |
		(first($now.nias[] | select(.metadata.name == $e.step) |
			.status.addresses[0].intent.step) // "") as $journal |
		([$now.instances[] | select(.external_ip == $e.address) | .name] |
			join(",")) as $holder |
		([$now.nodes[] | select(.metadata.labels.slot == $e.step and
			.metadata.labels["ip.ready"] == "true") | .metadata.name] |
			join(",")) as $ready |
		($now.instances[] | select(.name == $e.to) | .external_ip |
			startswith("203.")) as $has |
		"\($e.step):" + (if ($held | length) != 1 then " not held" else "" end)
		+ (if $journal != $e.journal then " journal \($journal)" else "" end)
		+ (if $holder != $e.holder then " on \"\($holder)\"" else "" end)
		+ (if $ready != $e.ready then " ready \"\($ready)\"" else "" end)
		+ (if $e.ephemeral == (if $has then "gone" else "there" end)
			then " ephemeral address \($e.ephemeral): no" else "" end) |
		select(endswith(":") | not)' >"$DIR/unlike"
	cat "$DIR/unlike"
	[ ! -s "$DIR/unlike" ]
}

# ended: the steps that have not come to their end, with what is wrong
ended() {
	world | jq -rn --slurpfile e "$DIR/expected" "$NOW"'$e[0][] | . as $e |
		(first($now.nias[] | select(.metadata.name == $e.step)) // null) as $nia |
		[$now.instances[] | select(.external_ip == $e.address) | .name] as $holder |
		[$now.nodes[] | select(.metadata.labels.slot == $e.step and
			((.metadata.labels["ip.ready"] // .metadata.labels[
			"netinfra.darkbrains.com/address"]) != null))] as $ready |
		($now.instances[] | select(.name == $e.from) | .external_ip) as $left |
		"\($e.step):" + if $e.releases then
			(if $nia != null then " not gone" else "" end)
			+ (if $holder != [] then " on \($holder)" else "" end)
			+ (if $ready != [] then " labels" else "" end)
			+ (if $left | startswith("203.") then ""
				else " no ephemeral address on \($e.from)" end)
		else (if $holder != [$e.to] then " on \($holder)" else "" end)
		+ (if ($ready | length) != 1 or $ready[0].metadata.name != $e.to or
			$ready[0].metadata.labels["ip.ready"] != "true" or
			$ready[0].metadata.labels["netinfra.darkbrains.com/address"] != $e.address or
			$ready[0].metadata.labels["netinfra.darkbrains.com/allocation"] != $e.step
			then " labels" else "" end)
		+ (if $nia.status.addresses[0].intent != null then " intent" else "" end)
		+ (if $nia.status.addresses[0].state != "Attached" then
			" \($nia.status.addresses[0].state)" else "" end)
		+ (if any($nia.status.conditions[]; .type == "Ready" and .status == "True")
			then "" else " not Ready" end)
		+ (if $e.ephemeral != "-" and ($left | startswith("203.") | not)
			then " no ephemeral address on \($e.from)" else "" end) end |
		select(endswith(":") | not)' >"$DIR/unlike"
	cat "$DIR/unlike"
	[ ! -s "$DIR/unlike" ]
}

# once: of each address what has happened in the cloud since line $since of its log
once() { # ATTACHED DETACHED: how often each was to be
	tail -n +"$since" "$ATTACHMENTS_LOG" | jq -rn --argjson attached "$1" \
		--argjson detached "$2" --slurpfile e "$DIR/expected" '[inputs] as $log | $e[0][] | . as $e |
		def count($fact): [$log[] | select(.fact == $fact and .by == "api" and
			.address == $e.address)] | length;
		"\($e.step):" + (if count("attach") != $attached then " attached \(count("attach")) times"
			else "" end)
		+ (if count("detach") != $detached then " detached \(count("detach")) times"
			else "" end) | select(endswith(":") | not)' >"$DIR/unlike"
	cat "$DIR/unlike"
	[ ! -s "$DIR/unlike" ]
}

# What a reconciler knew of a loss is gone with it (reconciler/lost.h): a pod whose
# eviction never arrived may stay then.
pods_left() { # PROCESS
	api GET /api/v1/pods | jq -r --arg process "$1" '.items[].metadata.name |
		sub("-abc12-a"; "") | select(. != "evict-sent" or
			($process | IN("supervisor", "reconciler") | not)) + ": its pod is left"'
}
no_pods() { [ -z "$(pods_left "$1")" ]; }

new_pid() { [ "$(pid_of "$1")" != "$2" ] && is_ready "$1"; }

# strike PROCESS: kill -9; it comes back
strike() {
	if [ "$1" = supervisor ]; then
		kill -9 "$MAIN"
		wait "$MAIN" 2>/dev/null
		MAIN=
		return
	fi
	old=$(pid_of "$1")
	kill -9 "$old"
}
back() {
	if [ "$1" = supervisor ]; then
		start_ipwarden
		until_true 30 all_ready
	else
		until_true 30 new_pid "$1" "$old"
	fi
}

# prepare WORLD: ipwarden is not running; what it will find to do, and what is held of it
prepare() {
	if [ "$1" = first ]; then
		while read -r n step; do
			node=$(node_of "34.82.10.$n")
			[ -z "$node" ] || echo POST \
				"$CONTROL_URL/gce/foreign-detach?zone=us-west1-a&name=$node"
			for node in $((2 * n - 1)) $((2 * n)); do
				echo PATCH "$KUBE_URL/api/v1/nodes/node-$node" '{"metadata":{"labels":{
					"ip.ready":null,"netinfra.darkbrains.com/address":null,
					"netinfra.darkbrains.com/allocation":null}}}' | paste -sd' '
			done
			echo PATCH "$KUBE_URL$NIA/$step/status" '{"status":{"addresses":null}}'
		done <"$DIR/slots" | batch
	fi
	if releases "$1" && api GET "$NIA" | jq -e '.items == []' >/dev/null; then
		allocate "$1"
		attach_all "$1"
	fi
	expect "$1"
	if releases "$1"; then
		jq -r --arg nias "$KUBE_URL$NIA/" '.[] | "DELETE \($nias)\(.step)"' "$DIR/expected" |
			batch
	elif [ "$1" != first ]; then
		jq -r --arg nodes "$KUBE_URL/api/v1/nodes/" '.[] |
		"PATCH \($nodes)\(.from) {\"spec\":{\"unschedulable\":true}}",
		"PATCH \($nodes)\(.to) {\"spec\":{\"unschedulable\":null}}"' "$DIR/expected" | batch
	fi
	[ "$1" != evicting ] || jq -r '.[] | .step + " " + .from' "$DIR/expected" |
		while read -r step from; do
			pod "default/$step-abc12-a" "$from" "$step"
			detach_by_hand "$from"
		done
	hold_all | sed "s#^#POST $CONTROL_URL/faults #" | batch
}

# attempt WORLD PROCESS: sets `proved` when all was held at the kill
attempt() {
	prepare "$1"
	since=$(($(wc -l <"$ATTACHMENTS_LOG") + 1))
	start_ipwarden
	until_true 60 seen
	cp "$DIR/unlike" "$DIR/unheld"
	strike "$2"
	proved=no
	[ -s "$DIR/unheld" ] || ! control GET /faults | jq -e --argjson max $CALL_MS 'all(.held[];
		(.hold | IN("before", "after") | not) or .for_ms < $max)' >/dev/null || proved=yes
	back "$2" || not_ok "$1: $2 came back"
	clear_faults
	until_true 60 ended
	cp "$DIR/unlike" "$DIR/unended"
	case $1 in
	first | evicting) once 1 0 ;;
	releasing | giving) once 0 1 ;;
	*) once 1 1 ;;
	esac
	[ "$1" != evicting ] || until_true 30 no_pods "$2" || pods_left "$2" >>"$DIR/unlike"
	cat "$DIR/unlike" >>"$DIR/unended"
	[ ! -s "$DIR/unended" ] || not_ok "$1, $2: $(head -3 "$DIR/unended" | paste -sd';')"
	is "$1, $2: no process broke the protocol" "$(grep -c protocol_violation "$LOG")" 0
	stop_ipwarden
}

# round WORLD PROCESS: a column of the matrix. Calls end by themselves, so on a busy
# machine not all may be held at the same time: that proves nothing, and is done again.
round() {
	proved=no
	for try in 1 2 3; do
		attempt "$1" "$2"
		[ $proved = no ] || break
		say "# $1, $2: try $try was held too late or too long: $(head -1 "$DIR/unheld")"
	done
	[ $proved = yes ] || not_ok "$1, $2: all steps were held at the kill"
	while read -r _ step; do
		mark=ok
		[ $proved = yes ] && ! grep -q "^$step:" "$DIR/unended" || mark=FAILED
		echo "$step $2 $mark"
	done <"$DIR/slots" >>"$CELLS"
}

run_world() { # WORLD
	make_world "$1"
	attach_all "$1"
	for process in $PROCESSES; do round "$1" "$process"; done
	check "$1: no violations" no_violations
}

if [ "${1:-}" = world ]; then
	run_world "$2"
	exit
fi

# --- all of them, and the matrix ----------------------------------------------------

# A world a job, but for the one in which most of the time nothing happens: two looks at
# the cloud that show a loss are 10 s apart.
begun=$(now_ms)
jobs=0
job() { # WORLD PROCESS...
	jobs=$((jobs + 1))
	world=$1
	shift
	CELLS=$DIR/cells-$jobs PROCESSES="$*" sh "$0" world "$world" >"$DIR/$jobs.out" 2>&1 &
	eval "WORKER_$jobs=$!"
	OTHERS="$OTHERS $!"
}
for world in $WORLDS; do
	# shellcheck disable=SC2086 # they are words
	set -- $PROCESSES
	[ "$world" = evicting ] || { job "$world" "$@" && continue; }
	while [ $# -gt 3 ]; do
		job evicting "$1" "$2" "$3"
		shift 3
	done
	job evicting "$@"
done
for i in $(seq $jobs); do
	code=0
	wait "$(eval "echo \$WORKER_$i")" || code=$?
	is "job $i" $code 0
	sed -n 's/^not ok/#   not ok/p; /^#/p' "$DIR/$i.out"
done
OTHERS=
cat "$DIR"/cells-* >"$DIR/cells"
for world in $WORLDS; do
	steps "$world" | awk -v processes="$PROCESSES" -v cells="$DIR/cells" '
		BEGIN { n = split(processes, p)
			while ((getline line <cells) > 0) { split(line, c); cell[c[1], c[2]] = c[3] } }
		NR == 1 { printf "# %-18s", "step"
			for (i = 1; i <= n; i++) printf " %-*s", length(p[i]), p[i]
			print "" }
		{ printf "# %-18s", $1
			for (i = 1; i <= n; i++)
				printf " %-*s", length(p[i]), (($1, p[i]) in cell ? cell[$1, p[i]] : "MISSING")
			print "" }'
done
wanted=$(($(for world in $WORLDS; do steps "$world"; done | wc -l) * $(echo "$PROCESSES" | wc -w)))
is "cells that are ok" "$(grep -c ' ok$' "$DIR/cells")" "$wanted"
say "# $wanted cells in $((($(now_ms) - begun) / 1000)) s"
