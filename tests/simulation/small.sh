#!/bin/sh
# A few hundred schedules from fixed seeds; a failing seed repeats exactly.
if "$BUILD/tests/simulation/sim_small" 1 "${SCHEDULES:-300}"; then
	echo "ok - simulation: ${SCHEDULES:-300} schedules"
else
	echo "not ok - simulation"
	exit 1
fi
