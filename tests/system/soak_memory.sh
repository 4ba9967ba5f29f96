# Sourced by tests/soak: what each process has in memory.

MEMORY_REST=40  # seconds without anything new before the first look
MEMORY_LOOKS=10 # a second apart

# memory: "NAME PID RSS PRIVATE" (KiB) of each process of both replicas; private is what
# it has written (dirty), for who may not read that, all that belongs to no file.
# Both times the same state is looked at, that of a cluster where nothing is wrong and
# nothing happens: no fault, both replicas have led, since only then they hold the whole
# state, the first one leads now, no address is on its way, and since then long enough
# that connections which a busy moment had opened are closed (20 s idle, http/request.c)
# and what was free then is given back (every 10 s, proto/worker.h). What stays is what
# was kept. Of some looks the least counts: a lease is renewed, the cloud is looked at
# meanwhile.
memory() {
	clear_faults
	of 1
	grep -q '"event":"leader_won"' "$LOG" || lead 1
	lead 0
	until_true 60 settled || {
		say "# it moves still while memory is measured:"
		wrong | sed 's/^/#   /'
	} >&2
	sleep $MEMORY_REST
	look=0
	while [ $look -lt $MEMORY_LOOKS ]; do
		look=$((look + 1))
		memory_now
		sleep 1
	done | awk '
		!($1 in pid) || $3 < rss[$1] { rss[$1] = $3 }
		!($1 in pid) || $4 < own[$1] { own[$1] = $4 }
		!($1 in pid) { order[++n] = $1 }
		{ pid[$1] = $2 }
		END { for (i = 1; i <= n; i++) {
			name = order[i]
			print name, pid[name], rss[name], own[name]
		} }'
}

# lead SLOT: the lease gets the name of that replica, which takes it for one from an
# earlier life of its own; who led finds another name in it, and stops
lead() {
	of "$1"
	! leads || return 0
	merge_patch "$LEASE" '{"spec":{"holderIdentity":"'"$POD_NAME"'"}}'
	until_true 30 leads && until_true 60 settled ||
		say "# $POD_NAME does not lead, or things move still" >&2
}
LEASE=/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/ip-address-controller-leader

# settled: all is well but what a pod keeps on a cordoned node
settled() { ! wrong | grep -qv ': Draining '; }

memory_now() {
	for slot in 0 1; do
		of $slot
		eval "main=\$MAIN_$slot"
		memory_of "$POD_NAME/supervisor" "$main"
		for role in $ROLES; do
			memory_of "$POD_NAME/$role" "$(pid_of "$role")"
		done
	done
}

# memory_of NAME PID
memory_of() {
	cat "/proc/$2/smaps_rollup" "/proc/$2/status" 2>/dev/null |
		awk -v name="$1" -v pid="$2" '
			/^Rss:|^VmRSS:/ { rss = $2 }
			/^Private_Dirty:/ { dirty = $2 }
			/^RssAnon:/ { anon = $2 }
			END { print name, pid, rss, dirty != "" ? dirty : anon }'
}

# memory_verdict BEFORE AFTER: the table; from ten minutes on a process that has grown by a
# percent fails, and so does one that is not the same any more.
memory_verdict() {
	awk 'FILENAME == ARGV[1] {
			pid[$1] = $2; rss[$1] = $3; own[$1] = $4
			next
		}
		FNR == 1 {
			printf "# %-28s %8s %8s %8s %8s %8s %8s\n", "KiB", "rss", "later",
				"", "private", "later", ""
		}
		{
			if (pid[$1] != $2) { print "# " $1 " is not the same process"; bad++; next }
			printf "# %-28s %8d %8d %+7.2f%% %8d %8d %+7.2f%%\n", $1, rss[$1], $3,
				($3 / rss[$1] - 1) * 100, own[$1], $4, ($4 / own[$1] - 1) * 100
			if ($3 >= rss[$1] * 1.01) { print "# " $1 " has grown"; bad++ }
		}
		END { exit bad > 0 }' "$1" "$2" >"$DIR/memory.table"
	grown=$?
	cat "$DIR/memory.table"
	[ "$seconds" -ge 600 ] || return 0
	if [ $grown -eq 0 ]; then ok "no process has grown by a percent"; else
		not_ok "no process has grown by a percent"
	fi
}
