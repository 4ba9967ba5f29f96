# Sourced by tests/soak: what each process has in memory.

# memory: "NAME PID RSS PRIVATE" (KiB) of each process of both replicas. Private is what
# it has written (dirty); who may not read that gets all that belongs to no file.
memory() {
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

# memory_verdict BEFORE AFTER: the table; from ten minutes on, growth by a percent fails.
# A process of its own accord restarted in between is no longer the same.
memory_verdict() {
	awk 'FILENAME == ARGV[1] { pid[$1] = $2; rss[$1] = $3; own[$1] = $4; next }
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
