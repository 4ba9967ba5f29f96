#!/bin/sh
# Every fuzz target takes every file of its corpus.
set -u
for target in "$BUILD"/tests/fuzz/fuzz_*; do
	case $target in *.o | *.log | *.trs | *.d) continue ;; esac
	[ -x "$target" ] || continue
	name=${target##*/fuzz_}
	if [ -z "$(ls "$SRC/tests/fuzz/corpus/$name" 2>/dev/null)" ]; then
		echo "not ok - corpus of $name is there"
		failed=1
	elif "$target" "$SRC/tests/fuzz/corpus/$name"/* >/dev/null 2>fuzz.$$; then
		echo "ok - corpus of $name: $(ls "$SRC/tests/fuzz/corpus/$name" | wc -l) files"
	else
		echo "not ok - corpus of $name"
		tail -20 fuzz.$$
		failed=1
	fi
done
rm -f fuzz.$$
exit "${failed:-0}"
