#!/bin/sh
# The image, without a container engine: two makings of its root file system are the same
# bytes, its list of files (SBOM) is true, and it runs as a restricted pod runs it: in
# namespaces of its own, as uid 65532 without capabilities, on a read-only root, under a
# filter like RuntimeDefault, with nothing but the mounted service account; and once as the
# component separate-uids has it, as root with five capabilities.
# TWICE=yes (make check-long): both are built from the source, in different folders.
user=
[ "$(id -u)" -eq 0 ] || user="--user --map-root-user"
# shellcheck disable=SC2086
unshare $user --mount --pid --ipc --uts --fork mount -t proc proc /proc 2>/dev/null || {
	echo "ok - rootfs: # SKIP namespaces cannot be made here"
	exit 0
}
. "$SRC/tests/system/lib.sh"

ONE=34.82.10.1
TWO=34.82.10.2
ROOT=$DIR/root
POD=$BUILD/tests/system/pod
SBOM=$ROOT/usr/share/doc/ipwarden/sbom.cdx.json
ACCOUNT=$DIR/account
export POD

# --- what is in it ----------------------------------------------------------------------
# image DIR [OPTION...]: the digest of its tar
image() {
	SOURCE_DATE_EPOCH=1700000000 "$SRC/scripts/image" --rootfs "$@" >"$1.out" 2>&1 ||
		cat "$1.out" >&2
	sed -n 's/.*sha256 of that tar: //p' "$1.out"
}
# copied FOLDER: the source, for a build of its own
copied() {
	mkdir -p "$1"
	(cd "$SRC" && git ls-files -z | xargs -0 cp --parents -t "$1")
}
if [ "${TWICE:-}" = yes ]; then
	copied "$DIR/one"
	copied "$DIR/another/place"
	first=$(SRC=$DIR/one && image "$ROOT")
	again=$(SRC=$DIR/another/place && image "$DIR/other")
else
	first=$(image "$ROOT" --stage "$STAGE")
	again=$(image "$DIR/other" --stage "$STAGE")
fi
sed 's/^/# /' "$ROOT.out"
is "made twice, the same bytes" "$again" "${first:-nothing}"

# listed 'JQ': of each file
listed() { jq -r '.. | objects | select(.type == "file") | '"$1" "$SBOM"; }
all_listed() {
	listed .name | sort >"$DIR/listed"
	(cd "$ROOT" && find . -type f ! -path ".${SBOM#"$ROOT"}" | cut -c2- | sort) |
		diff "$DIR/listed" -
}
check "the list has all files but itself" all_listed
digests_hold() {
	listed '.hashes[0].content + "  '"$ROOT"'" + .name' | sha256sum --quiet -c
}
check "with their digests" digests_hold
is "nothing may be written but by root, and nothing runs as its owner" \
	"$(find "$ROOT" ! -type l -perm /7022)" ""
is "its programs" "$(cd "$ROOT" && find usr/bin usr/libexec usr/sbin -type f 2>/dev/null |
	sort | tr '\n' ' ')" "$(cd "$STAGE" && find bin/ipwarden bin/ipwardenctl libexec \
	-type f | sed 's,^,usr/,' | sort | tr '\n' ' ')"
certificates() { grep -c 'BEGIN CERTIFICATE' "$1"; }
is "the CA certificates are Debian's" \
	"$(certificates "$ROOT/etc/ssl/certs/ca-certificates.crt")" \
	"$(cat /usr/share/ca-certificates/mozilla/*.crt | certificates -)"

# --- it runs ----------------------------------------------------------------------------
# pod PROGRAM [ARGUMENT...]
pod() { sh "$SRC/tests/system/pod.sh" "$ROOT" "$ACCOUNT" "$@"; }

start_world --nodes 3 --addresses $ONE,$TWO
install_crd
put_object '{"apiVersion":"v1","kind":"ServiceAccount",
	"metadata":{"name":"ipwarden-watcher","namespace":"kube-system"}}' >/dev/null
# as a kubelet lays it out
mkdir -p "$ACCOUNT/..1"
ln -s ..1 "$ACCOUNT/..data"
for file in token ca.crt namespace; do ln -s "..data/$file" "$ACCOUNT/$file"; done
sed -n 's/^ *token: //p' "$CONTROLLER_KUBECONFIG" | tr -d '\n' >"$ACCOUNT/..1/token"
cat "$SIM_CA" >"$ACCOUNT/..1/ca.crt"
printf kube-system >"$ACCOUNT/..1/namespace"

is "ipwarden --version" "$(pod /usr/bin/ipwarden --version)" \
	"$("$STAGE/bin/ipwarden" --version)"
is "ipwardenctl --version" "$(pod /usr/bin/ipwardenctl --version)" \
	"$("$STAGE/bin/ipwardenctl" --version)"

# lib.sh starts $STAGE/bin/ipwarden, and asks the simulator of $STAGE
mkdir -p "$DIR/stage/bin"
ln -s "$STAGE/bin/ipwarden-sim" "$DIR/stage/bin/"
cat >"$DIR/stage/bin/ipwarden" <<-EOS
	#!/bin/sh
	POD='$POD' exec sh '$SRC/tests/system/pod.sh' '$ROOT' '$ACCOUNT' \
		/usr/bin/ipwarden "\$@"
EOS
chmod +x "$DIR/stage/bin/ipwarden"
STAGE=$DIR/stage
IDENTITY=
KUBE=${KUBE_URL#https://}
WITH="KUBERNETES_SERVICE_HOST=${KUBE%:*} KUBERNETES_SERVICE_PORT=${KUBE##*:}"
start_ipwarden
RUNTIME=$MAIN
MAIN=$(pgrep -P "$RUNTIME") # what a signal to the pod reaches
eventually 30 "ready, with nothing but the service account" ready

status() { awk -v key="$1:" '$1 == key { print $NF }' "/proc/$MAIN/status"; }
is "it is process 1" "$(status NSpid)" 1
own=$(id -u) # without root, 65532 is what a namespace calls this one
is "its uid, as it is called here" "$(status Uid)" $((own == 0 ? 65532 : own))
is "capabilities that it could ever have" "$(status CapBnd)" 0000000000000000
is "no_new_privs" "$(status NoNewPrivs)" 1
is "filters: the pod's and its own" "$(status Seccomp_filters)" 2
mounts() { awk '$5 == "/" { print substr($6, 1, 2), NR }' "/proc/$MAIN/mountinfo"; }
is "its root is read-only, and the first of its mounts" "$(mounts)" "ro 1"
check "no process is anything less than confined" \
	[ "$(grep -c '"event":"not_confined"' "$LOG")" -eq 0 ]
check "it warns of nothing" [ "$(grep -c '"level":"\(warn\|error\)"' "$LOG")" -eq 0 ]

allocation web $ONE $TWO >/dev/null
check "the addresses are attached" kc wait --for=condition=Ready nia/web --timeout=20s
is "the nodes are labelled" "$(kc get nodes -l ip.ready=true -o name | wc -l)" 2
is "the watcher has a token of its own" \
	"$(grep -c '"event":"watcher_token_minted"' "$LOG")" 1

kill "$MAIN"
wait "$RUNTIME"
is "SIGTERM ends process 1 well" $? 0
MAIN=
is "and gives the lease back" "$(api GET \
	/apis/coordination.k8s.io/v1/namespaces/kube-system/leases |
	jq -r '.items[].spec.holderIdentity')" ""

# --- with a uid for each process ----------------------------------------------------------
# ids: of the processes below it, with their bounding sets and what is in their roots
ids() {
	for pid in $(pgrep -P "$MAIN"); do
		awk '$1 == "Uid:" { print $2 } $1 == "CapBnd:" { print $2 }' "/proc/$pid/status"
		ls -A "/proc/$pid/root/"
	done | paste -d' ' - - | sort | tr '\n' ' '
}
if [ "$own" -eq 0 ]; then
	chmod 600 "$ACCOUNT/..1/token"
	WITH="$WITH SEPARATE_UIDS=true POD_AS_ROOT=yes"
	start_ipwarden
	RUNTIME=$MAIN
	MAIN=$(pgrep -P "$RUNTIME")
	eventually 30 "as root with five capabilities: ready, with a token that is root's alone" ready
	is "its own" "$(status CapPrm)" 00000000000401e0
	is "each process has its uid, the empty root of the image, and nothing else" "$(ids)" \
		"$(seq -f '%g 0000000000000000' 65520 65527 | tr '\n' ' ')"
	check "none is anything less than confined" \
		[ "$(grep -c '"event":"not_confined"' "$LOG")" -eq 0 ]
	check "it warns of nothing" [ "$(grep -c '"level":"\(warn\|error\)"' "$LOG")" -eq 0 ]
	kill "$MAIN"
	wait "$RUNTIME"
	is "SIGTERM ends it well" $? 0
	MAIN=
fi

cp "$AUDIT" "$ACCOUNT/audit"
check "the audit stream is whole, says the image's ipwardenctl" pod /usr/bin/ipwardenctl \
	audit verify /var/run/secrets/kubernetes.io/serviceaccount/audit
check "no violations" no_violations
