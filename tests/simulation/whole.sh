#!/bin/sh
# 20 000 schedules of several replicas from fixed seeds, 1 to 20000, in two processes at
# a time; a failing seed repeats exactly. SCHEDULES: ten of these for one of it, since
# they are short beside those of small.sh.
schedules=$((${SCHEDULES:-2000} * 10))
half=$(((schedules + 1) / 2))
whole=$BUILD/tests/simulation/whole/whole
"$whole" 1 "$half" >whole.1.out 2>&1 &
first=$!
"$whole" 10001 "$half" >whole.2.out 2>&1
second=$?
wait "$first"
first=$?
cat whole.1.out whole.2.out
rm -f whole.1.out whole.2.out
if [ "$first" -eq 0 ] && [ "$second" -eq 0 ]; then
	echo "ok - simulation: $((2 * half)) schedules of several replicas"
else
	echo "not ok - simulation of several replicas"
	exit 1
fi
