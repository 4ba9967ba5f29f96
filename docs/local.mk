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

dist_doc_DATA = docs/metrics.md docs/podtracker.md
EXTRA_DIST += docs/dashboard.jq docs/dashboard.svg

# What whoever is paged reads: a page an alert.
runbooksdir = $(docdir)/runbooks
dist_runbooks_DATA = \
	docs/runbooks/NetIPAllocationAvailabilitySLOBreach.md \
	docs/runbooks/NetIPAllocationCRDUnhealthy.md \
	docs/runbooks/NetIPAllocationControllerDown.md \
	docs/runbooks/NetIPAllocationControllerNotReady.md \
	docs/runbooks/NetIPAllocationGCPAPIErrors.md \
	docs/runbooks/NetIPAllocationHighReconcileErrorRate.md \
	docs/runbooks/NetIPAllocationIPAttachFailures.md \
	docs/runbooks/NetIPAllocationIPDetachFailures.md \
	docs/runbooks/NetIPAllocationIPReallocated.md \
	docs/runbooks/NetIPAllocationLeaderChanged.md \
	docs/runbooks/NetIPAllocationNoLeader.md \
	docs/runbooks/NetIPAllocationNodeCordonedWithIP.md \
	docs/runbooks/NetIPAllocationPodMovesOften.md \
	docs/runbooks/NetIPAllocationProtocolViolation.md \
	docs/runbooks/NetIPAllocationReconcileLatencySLOBreach.md \
	docs/runbooks/NetIPAllocationSandboxDegraded.md \
	docs/runbooks/NetIPAllocationSlowReconciliation.md \
	docs/runbooks/NetIPAllocationUnattachedIPsCritical.md \
	docs/runbooks/NetIPAllocationUnattachedIPsWarning.md \
	docs/runbooks/NetIPAllocationWatchStalled.md \
	docs/runbooks/NetIPAllocationWorkerRestarting.md
