#!/bin/sh
# PodTracker: the names, fields and queries that its users know, and what the Pod IP Tracker
# does wrong.
. "$SRC/tests/system/lib.sh"

TRACKERS=/apis/networking.learntosolveit.com/v1/podtrackers
SLICES=/apis/tracking.ipwarden.dev/v1alpha1/podtrackerslices

start_world --nodes 3

# --- the definitions ------------------------------------------------------------------
for file in netipallocation podtracker podtrackerslice; do
	apply "$SRC/crds/$file.yaml" >/dev/null
done
eventually 10 "PodTracker is served" kc get podtrackers.networking.learntosolveit.com
eventually 10 "PodTrackerSlice is served" kc get podtrackerslices.tracking.ipwarden.dev

# tracker NAME [NAMESPACE]
tracker() {
	apply - >/dev/null <<-YAML
		apiVersion: networking.learntosolveit.com/v1
		kind: PodTracker
		metadata: {name: $1}
		spec: {${2:+namespace: $2}}
	YAML
}

tracker cluster-pod-tracker
merge_patch $TRACKERS/cluster-pod-tracker/status '{"status":{"podCount":2,"podIPs":[
	{"podName":"a","namespace":"default","ip":"10.0.0.1","nodeName":"n","phase":"Running",
	"creationTimestamp":"2026-01-01T00:00:00Z"}]}}'
is "kubectl get podtracker: its columns" \
	"$(kc get podtracker | awk 'NR == 1 { print $1, $2, $3, $4 }')" "NAME PODS NODES AGE"
is "the Pods column has the count" \
	"$(kc get podtracker cluster-pod-tracker --no-headers | awk '{ print $2 }')" 2
is "the query of the Pod IP Tracker's users" "$(kc get podtracker cluster-pod-tracker \
	-o jsonpath='{.status.podIPs}' | jq -r '.[0].podName')" a
api POST $SLICES -o /dev/null -H 'Content-Type: application/json' --data-binary '{
	"apiVersion":"tracking.ipwarden.dev/v1alpha1","kind":"PodTrackerSlice",
	"metadata":{"name":"n1"},"nodeName":"n1","writer":"Leader","pods":[]}'
is "slices are selected by their node" "$(kc get podtrackerslices -o name \
	--field-selector nodeName=n1)$(kc get podtrackerslices -o name \
	--field-selector nodeName=n2)" "podtrackerslice.tracking.ipwarden.dev/n1"
