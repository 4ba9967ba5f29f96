#!/bin/sh
# A minute of tests/soak. Its 5 s are for a machine that does nothing else. Here other
# tests run beside it on perhaps two cores, and calls that take longer than a second (a
# quarter of the lease) fail and are backed off from, faults or not: it has four times
# that, and its processes two minutes.
exec "$SRC/tests/soak" --seconds 60 --seed "${SOAK_SEED:-1}" --limit 20 --ready 120
