#!/bin/sh
# Which pods keep an address on a cordoned node: those whose controller is exactly the
# allocation's workload, in its namespace. Names that merely look alike do not count.
. "$SRC/tests/system/lib.sh"

WEB=34.82.10.1   # a Deployment's
DB=34.82.10.2    # a StatefulSet's
AGENT=34.82.10.3 # a DaemonSet's

start_world --nodes 6 --addresses $WEB,$DB,$AGENT
install_crd
put_object '{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"other"}}' >/dev/null
workload Deployment web
workload Deployment web-2
workload StatefulSet db
workload DaemonSet agent
start_ipwarden
eventually 30 "all processes are ready" all_ready
WORKLOAD=web WORKLOAD_KIND=Deployment allocation web $WEB >/dev/null
WORKLOAD=db WORKLOAD_KIND=StatefulSet allocation db $DB >/dev/null
WORKLOAD=agent WORKLOAD_KIND=DaemonSet allocation agent $AGENT >/dev/null
eventually 20 "three addresses are attached" kc wait --for=condition=Ready \
	nia/web nia/db nia/agent --timeout=1s

# --- look-alikes --------------------------------------------------------------------
web_old=$(node_of $WEB)
db_old=$(node_of $DB)
agent_old=$(node_of $AGENT)
pod default/web-2-abc12-a "$web_old" web-2
pod other/web-abc12-b "$web_old" web
owned_pod default/c "$web_old" ReplicaSet my-web-77
owned_pod default/d "$web_old" ReplicaSet web-77        # not the pod's own hash
owned_pod default/e "$web_old" StatefulSet web
owned_pod default/f "$web_old" ReplicaSet web-abc12-77
owned_pod default/g "$web_old" Job web-abc12
owned_pod default/db-2-0 "$db_old" StatefulSet db-2
owned_pod default/db-abc12-h "$db_old" ReplicaSet db-abc12
owned_pod other/db-0 "$db_old" StatefulSet db
owned_pod default/agent-i "$agent_old" DaemonSet agent-2
owned_pod default/agent-j "$agent_old" Deployment agent
owned_pod other/agent-k "$agent_old" DaemonSet agent
# a pod of the workload, on another node
pod default/web-abc12-l "$db_old" web

for node in $web_old $db_old $agent_old; do cordon "$node"; done
eventually 20 "a Deployment's address leaves look-alikes behind" moved $WEB "$web_old"
eventually 20 "a StatefulSet's too" moved $DB "$db_old"
eventually 20 "a DaemonSet's too" moved $AGENT "$agent_old"
for node in $web_old $db_old $agent_old; do uncordon "$node"; done
eventually 20 "all three are at rest again" kc wait --for=condition=Progressing=False \
	nia/web nia/db nia/agent --timeout=1s

# --- the workload's own -------------------------------------------------------------
web_node=$(node_of $WEB)
db_node=$(node_of $DB)
agent_node=$(node_of $AGENT)
pod default/web-abc12-m "$web_node" web
owned_pod default/db-0 "$db_node" StatefulSet db
owned_pod default/agent-n "$agent_node" DaemonSet agent
for node in $web_node $db_node $agent_node; do cordon "$node"; done
eventually 10 "a Deployment's pod keeps it" entry_is web $WEB "Draining InUse"
check "which says why" entry_says web $WEB "in use by 1 pod (web-abc12-m)"
eventually 10 "a StatefulSet's pod keeps it" entry_is db $DB "Draining InUse"
check "and says why" entry_says db $DB "in use by 1 pod (db-0)"
eventually 10 "a DaemonSet's pod keeps it" entry_is agent $AGENT "Draining InUse"
check "and says it, too" entry_says agent $AGENT "in use by 1 pod (agent-n)"
is "each is where it was" "$(node_of $WEB) $(node_of $DB) $(node_of $AGENT)" \
	"$web_node $db_node $agent_node"

# --- a pod that has run to its end counts no more -----------------------------------
put_object "$(api GET /api/v1/namespaces/default/pods/db-0 |
	jq 'del(.metadata.resourceVersion) | .status.phase = "Succeeded"')" >/dev/null
eventually 15 "a pod that has ended keeps nothing" moved $DB "$db_node"
is "the others are where they were" "$(node_of $WEB) $(node_of $AGENT)" \
	"$web_node $agent_node"
check "no violations" no_violations
judge | sed 's/^/# /'
