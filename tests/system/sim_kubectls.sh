#!/bin/sh
# sim_kubectl.sh with each further kubectl that there is: Debian's 1.20, where
# scripts/test has unpacked it, and those that lie beside the machine's own, such as
# kubectl.1.33. Each version once.
set -u

: "${SIM:?}" "${BUILD:?}" "${SRC:?}"
KUBECTL=$(command -v "${KUBECTL:-kubectl}")

version() { "$1" version --client -o json 2>/dev/null | jq -r .clientVersion.gitVersion; }

seen=" $(version "$KUBECTL" | sed 's/-dispatcher//') "
count=0
failed=0
for other in "$BUILD/tools/root/usr/bin/kubectl" \
	"$(dirname "$(readlink -f "$KUBECTL")")"/kubectl.[0-9]*; do
	[ -x "$other" ] || continue
	is=$(version "$other" | sed 's/-dispatcher//')
	case $seen in *" $is "*) continue ;; esac
	seen="$seen$is "
	count=$((count + 1))
	if said=$(KUBECTL=$other sh "$SRC/tests/system/sim_kubectl.sh" 2>&1); then
		echo "ok - kubectl $is: $(echo "$said" | grep -c '^ok ') steps"
	else
		failed=$((failed + 1))
		echo "not ok - kubectl $is"
		echo "$said" | grep -A8 '^not ok' | sed 's/^/#   /'
	fi
done
[ $count -gt 0 ] || {
	echo "skipped: there is no kubectl but $KUBECTL"
	exit 77
}
[ $failed -eq 0 ]
