#!/bin/sh
# Brings each defect back: applies each patch of tests/regressions/patches to a copy of
# the build folder, builds there the test that it names, and requires that this fails with
# the patch and passes without it.
#   BUILD   the build folder, in which the tests are built; SRC the sources
#   patches.sh [NAME...]   only patches whose name begins so
set -u

: "${BUILD:?}" "${SRC:?}"
HERE=$SRC/tests/regressions
WORK=$BUILD/regressions
export BUILD SRC WORK HERE
unset MAKEFLAGS MAKELEVEL MFLAGS

# not_ok NAME WHY [FILE]
not_ok() {
	echo "not ok - regressions: $1: $2"
	[ -z "${3:-}" ] || tail -15 "$3" | sed 's/^/#   /'
	return 1
}

# copy FOLDER: what make takes for a finished build. The dependencies are left out, their
# paths fit only where they were made: a patch changes no header.
copy() {
	mkdir -p "$1" && (cd "$BUILD" && find . \
		\( -path ./regressions -o -path ./san -o -path ./stage -o -path ./tools \) \
		-prune -o \( -name '*.[oa]' -o -name .dirstamp -o -name .deps \
		-o -path ./Makefile -o -path ./config.status \) -print0 |
		tar -c --format=posix --null --no-recursion -T - | tar -x -C "$1" &&
		find . \( -path ./regressions -o -path ./san \) -prune -o -name '*.Po' -print) |
		while read -r file; do : >"$1/$file"; done
}

# outcome PROGRAM TEST: what criterion says of that test alone: "passed", "failed" or ""
outcome() {
	"$1" --filter "defect/$2" >"$WORK/$2.log" 2>&1
	sed 's/\x1b\[[0-9;]*m//g' "$WORK/$2.log" | awk '
		/Tested: 1 \| Passing: 1 / { print "passed" }
		/Tested: 1 \| Passing: 0 \| Failing: 1 / { print "failed" }'
}

# bring_back PATCH
bring_back() {
	name=$(basename "$1" .patch)
	test=$(echo "$name" | tr - _)
	program=$(sed -n 's/^Test: //p' "$1")
	files=$(sed -n 's|^+++ b/||p' "$1")
	tree=$WORK/$name
	log=$WORK/$test.log

	[ "$(outcome "$BUILD/$program" "$test")" = passed ] || {
		not_ok "$name" "the test does not pass without the patch" "$log"
		return
	}
	rm -rf "$tree"
	copy "$tree" || {
		not_ok "$name" "cannot copy the build"
		return
	}
	for file in $files; do cp "$SRC/$file" "$tree/$file"; done
	patch -d "$tree" -p1 --no-backup-if-mismatch <"$1" >"$log" 2>&1 || {
		not_ok "$name" "the patch no longer applies: make it anew" "$log"
		return
	}
	# make prefers what lies in the build folder to the same in $(srcdir)
	make -C "$tree" srcdir="$SRC" top_srcdir="$SRC" VPATH="$SRC" \
		CFLAGS='-O0 -w' "$program" >"$log" 2>&1 || {
		not_ok "$name" "does not build with the patch" "$log"
		return
	}
	[ "$(outcome "$tree/$program" "$test")" = failed ] || {
		not_ok "$name" "the test does not fail with the patch" "$log"
		return
	}
	echo "ok - regressions: $name: red with the defect"
	sed 's/\x1b\[[0-9;]*m//g; /^\[----\] *$/d; s/^\[----\] */#   /p; d' "$log" | sort -u
	rm -rf "$tree" "$log"
}

if [ "${1:-}" = --one ]; then
	said=$(bring_back "$2")
	status=$?
	printf '%s\n' "$said" # whole, whoever else speaks
	exit $status
fi
mkdir -p "$WORK"
for name in "${@:-}"; do
	for patch in "$HERE/patches/$name"*.patch; do echo "$patch"; done
done | xargs -P "$(nproc)" -n 1 sh "$0" --one
