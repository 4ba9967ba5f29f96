# docs: a man page a program, and the list of metrics.
dist_man_MANS = \
	docs/ipwarden.8 \
	docs/ipwarden-cloudworker.8 \
	docs/ipwarden-config.8 \
	docs/ipwarden-dialer.8 \
	docs/ipwarden-metricsd.8 \
	docs/ipwarden-reconciler.8 \
	docs/ipwarden-resolver.8 \
	docs/ipwarden-sim.1 \
	docs/ipwarden-watcher.8 \
	docs/ipwardenctl.1

dist_doc_DATA = docs/metrics.md
