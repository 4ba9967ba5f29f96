#!/bin/sh
# docs/api-access.md against what ipwarden's identities asked in the system tests that
# have run, which lib.sh has kept: no request that the paper does not have; and when all
# tests have run, no line of the paper that was never seen.
#   SYSTEM_SHELL   the names of all of them
set -u

: "${BUILD:?}" "${SRC:?}" "${SYSTEM_SHELL:?}"
PAPER=$SRC/docs/api-access.md
DIR=$(mktemp -d) || exit 1
trap 'rm -rf "$DIR"' EXIT
failed=0

# compare WHAT FILE: it has to be empty
compare() {
	if [ -s "$2" ]; then
		echo "not ok - api_access: $1"
		sed 's/^/#   /' "$2"
		failed=1
	else
		echo "ok - api_access: $1"
	fi
}

# the paper's lines as lib.sh keeps requests: identity, verb, resource, scope
awk -F ' *[|] *' '/^\| (writer|watcher|agent|agent-watcher|ctl) / { print $2, $3, $4, $5 }' "$PAPER" |
	sort >"$DIR/paper"
uniq -d "$DIR/paper" >"$DIR/twice"

: >"$DIR/all"
: >"$DIR/missing"
for test in $SYSTEM_SHELL; do
	grep -q '^start_world' "$SRC/$test" || continue
	seen=$BUILD/requests/$(basename "$test" .sh)
	if [ -f "$seen" ]; then cat "$seen" >>"$DIR/all"; else
		echo "$test" >>"$DIR/missing"
	fi
done
# the reconciler is the one that writes, whoever the watcher is
sed 's/^reconciler /writer /' "$DIR/all" | sort -u >"$DIR/seen"

compare "no line stands twice" "$DIR/twice"
comm -13 "$DIR/paper" "$DIR/seen" >"$DIR/unknown"
compare "$(wc -l <"$DIR/seen") kinds of requests were seen, each in the paper" \
	"$DIR/unknown"
if [ -s "$DIR/missing" ]; then
	echo "# not all tests have run: whether each line was seen is not looked at"
	sed 's/^/#   /' "$DIR/missing"
else
	comm -23 "$DIR/paper" "$DIR/seen" >"$DIR/unseen"
	compare "each line of the paper was seen" "$DIR/unseen"
fi
[ -s "$DIR/seen" ] || {
	echo "not ok - api_access: no request was seen at all"
	failed=1
}
exit $failed
