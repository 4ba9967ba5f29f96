# Sourced by tests/soak: what each process has in memory.

MEMORY_LOOKS=10 # a second apart

# memory: "NAME PID RSS PRIVATE LED" (KiB) of each process of both replicas; private is
# what it has written (dirty), for who may not read that, all that belongs to no file.
# LED: whether its replica has led yet, since only then it holds the whole state. What
# requests under way take, a few percent, is not what is looked for: so no fault makes
# them hang just now, and the least of some looks counts.
memory() {
	clear_faults
	look=0
	while [ $look -lt $MEMORY_LOOKS ]; do
		look=$((look + 1))
		memory_now
		sleep 1
	done | awk '
		!($1 in pid) || $3 < rss[$1] { rss[$1] = $3 }
		!($1 in pid) || $4 < own[$1] { own[$1] = $4 }
		!($1 in pid) { order[++n] = $1 }
		{ pid[$1] = $2; led[$1] = $5 }
		END { for (i = 1; i <= n; i++) {
			name = order[i]
			print name, pid[name], rss[name], own[name], led[name]
		} }'
}

memory_now() {
	for slot in 0 1; do
		of $slot
		eval "main=\$MAIN_$slot"
		led=no
		! grep -q '"event":"leader_won"' "$LOG" || led=yes
		memory_of "$POD_NAME/supervisor" "$main"
		for role in $ROLES; do
			memory_of "$POD_NAME/$role" "$(pid_of "$role")"
		done
	done
}

# memory_of NAME PID
memory_of() {
	cat "/proc/$2/smaps_rollup" "/proc/$2/status" 2>/dev/null |
		awk -v name="$1" -v pid="$2" -v led=$led '
			/^Rss:|^VmRSS:/ { rss = $2 }
			/^Private_Dirty:/ { dirty = $2 }
			/^RssAnon:/ { anon = $2 }
			END { print name, pid, rss, dirty != "" ? dirty : anon, led }'
}

# memory_verdict BEFORE AFTER: the table; from ten minutes on a process that has grown by a
# percent fails, and so does one that is not the same any more. Who led for the first time
# in between is shown only.
memory_verdict() {
	awk 'FILENAME == ARGV[1] {
			pid[$1] = $2; rss[$1] = $3; own[$1] = $4; led[$1] = $5
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
			if (led[$1] != $5) { print "# " $1 " has led since"; next }
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
