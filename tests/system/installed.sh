# Sourced by tests that run what deploy/ installs: the Deployment's pods as the kubelet
# would start them, with its environment and its service account, as uid 65532 without
# capabilities and under the shipped seccomp profile, on a cluster whose RBAC counts.

RBAC=/apis/rbac.authorization.k8s.io/v1
TOKEN='{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{}}'

# installed_in NAMESPACE
installed_in() {
	NAMESPACE=$1
	SYSTEM=namespaces/$1
	DEPLOYMENT=/apis/apps/v1/$SYSTEM/deployments/ip-address-controller
	LEASE=/apis/coordination.k8s.io/v1/$SYSTEM/leases/ip-address-controller-leader
}
installed_in kube-system

# rights_count: what the world gives ipwarden goes, so that what is installed counts
rights_count() {
	for binding in $(api GET $RBAC/clusterrolebindings | jq -r '.items[] |
		select(.roleRef.name | startswith("ipwarden")) | .metadata.name'); do
		api DELETE "$RBAC/clusterrolebindings/$binding" -o /dev/null
	done
	for role in ipwarden ipwarden-watcher; do
		api DELETE "$RBAC/clusterroles/$role" -o /dev/null
	done
}

template() { api GET "$DEPLOYMENT" | jq -r ".spec.template$1"; }
container() { template ".spec.containers[0]$1"; }

# environment NAME NODE: as the manifest gives it, but for the lease's time, which a
# failover would take
environment() {
	container ".env[] | .name + \"=\" + (if .value != null then .value
		elif .valueFrom.fieldRef.fieldPath == \"metadata.name\" then \"$1\"
		elif .valueFrom.fieldRef.fieldPath == \"spec.nodeName\" then \"$2\"
		else error(\"where does it come from?\") end)" |
		sed 's/^LEASE_DURATION=.*/LEASE_DURATION=5 LEASE_SKEW_GRACE_SEC=1/'
}
# account: the folder with the token of the pod's service account
account() {
	mkdir -p "$DIR/account"
	api POST "/api/v1/$SYSTEM/serviceaccounts/$(template .spec.serviceAccountName)/token" \
		-H 'Content-Type: application/json' --data-binary "$TOKEN" |
		jq -j .status.token >"$DIR/token"
	mv "$DIR/token" "$DIR/account/token"
	printf %s "$NAMESPACE" >"$DIR/account/namespace"
	cp "$SIM_CA" "$DIR/account/ca.crt"
	chmod 755 "$DIR/account"
	chmod 644 "$DIR/account"/*
}
# as_pods: from here on ipwarden is started so. The profile of components/seccomp is closer
# than RuntimeDefault.
as_pods() {
	jq -r '.syscalls[] | select(.action == "SCMP_ACT_ALLOW") | .names[]' \
		"$SRC/deploy/components/seccomp/ipwarden.json" >"$DIR/calls"
	export OUTER="$BUILD/tests/system/outer" CALLS="$DIR/calls"
	cat >"$DIR/in-pod" <<-'POD'
		#!/bin/sh
		mount -t tmpfs -o mode=755 none /run &&
			mkdir -p /run/secrets/kubernetes.io/serviceaccount &&
			mount --bind "$1" /run/secrets/kubernetes.io/serviceaccount || exit 9
		shift
		exec setpriv --reuid 65532 --regid 65532 --clear-groups --bounding-set -all \
			--inh-caps -all --no-new-privs "$OUTER" "$CALLS" "$@"
	POD
	chmod 755 "$DIR" "$DIR/in-pod"
	chmod 644 "$DIR/calls"
	account
	if [ "$(readlink -f /var/run)" = /run ] && unshare --mount true 2>/dev/null &&
		setpriv --reuid 65532 --clear-groups test -x "$STAGE/bin/ipwarden"; then
		LAUNCH="unshare --mount $DIR/in-pod $DIR/account"
		IDENTITY=
		SERVER="KUBERNETES_SERVICE_HOST=127.0.0.1 KUBERNETES_SERVICE_PORT=${KUBE_URL##*:}"
	else
		say "# not as uid 65532 in a pod: no mount namespace, or no way to $STAGE for others"
		sed "s|^\( *\)token: .*|\1tokenFile: $DIR/account/token|" \
			"$CONTROLLER_KUBECONFIG" >"$DIR/pod.kubeconfig"
		IDENTITY="--kubeconfig $DIR/pod.kubeconfig"
		SERVER=
	fi
}

# replica NAME NODE: its pod and its processes, of the programs in STAGE
replica() {
	template '' | jq --arg name "$1" --arg node "$2" --arg space "$NAMESPACE" '{
		apiVersion: "v1", kind: "Pod",
		metadata: (.metadata + {name: $name, namespace: $space}),
		spec: (.spec + {nodeName: $node}), status: {phase: "Running",
			conditions: [{type: "Ready", status: "True"}]}}' >"$DIR/pod.json"
	put_object "$(cat "$DIR/pod.json")" >/dev/null
	GRACE_MS=$(($(template .spec.terminationGracePeriodSeconds) * 1000))
	WITH="$(environment "$1" "$2") $SERVER"
	LOG=$DIR/$1.log
	AUDIT=$DIR/$1.audit
	# shellcheck disable=SC2046
	start_ipwarden $(container '.args // [] | .[]')
	echo "$MAIN" >"$DIR/$1.pid"
	echo "$METRICS_URL" >"$DIR/$1.metrics"
	OTHERS="$OTHERS $MAIN"
	eventually 30 "$1 runs" all_ready
	eventually 20 "and is Ready" ready
}
# replica_ends NAME: as the kubelet ends it, in half its grace
replica_ends() {
	ending=$(cat "$DIR/$1.pid")
	began=$(now_ms)
	kill "$ending"
	code=0
	wait "$ending" || code=$?
	is "$1 ends with 0" $code 0
	took=$(($(now_ms) - began))
	check "in time ($took ms)" test $took -lt $((GRACE_MS / 2))
	others_but "$ending"
	[ "$MAIN" != "$ending" ] || MAIN=
	remove_object "/api/v1/$SYSTEM/pods/$1" 2>/dev/null
}

# page HEADING N [SED]: runs the N-th block of commands that stands under that heading of
# deploy/README.md, in the source folder, after SED
page() {
	mkdir -p "$DIR/bin"
	cat >"$DIR/bin/kubectl" <<-'KUBECTL'
		#!/bin/sh
		# the world has no OpenAPI document
		case $1 in apply) set -- "$@" --validate=false ;; esac
		exec "$REAL" --cache-dir "$CACHE" "$@"
	KUBECTL
	chmod 755 "$DIR/bin/kubectl"
	awk -v heading="## $1" -v n="$2" '/^## / { on = $0 == heading }
		on && /^    / { if (!in_block) block++; in_block = 1
			if (block == n) print substr($0, 5); next }
		{ in_block = 0 }' "$SRC/deploy/README.md" | sed "${3:-}" >"$DIR/commands"
	[ -s "$DIR/commands" ] || return 1
	(cd "$SRC" && REAL=$(command -v "$KUBECTL") CACHE=$DIR/kubectl \
		PATH=$DIR/bin:$PATH sh -e "$DIR/commands")
}

holder_is() { [ "$(api GET "$LEASE" | jq -r '.spec.holderIdentity // ""')" = "$1" ]; }
