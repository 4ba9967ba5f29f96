#!/bin/sh
# What is committed of deploy/ is what kubectl makes of it, each kubectl that there is; the
# copies are copies; and every field is one that its API version has (tests/deploy/fields.mjs,
# with Node.js and the packages of npm that scripts/test unpacks: NPM is their folder).
. "$SRC/tests/system/lib.sh"

# --- rendered -----------------------------------------------------------------------
# made_by KUBECTL: what is committed that it can make is what it makes
made_by() {
	rm -rf "$DIR/made"
	KUBECTL=$1 "$SRC/scripts/manifests" "$DIR/made" || return 1
	find "$DIR/made" -type f >"$DIR/files"
	while read -r file; do
		diff "$file" "$SRC/${file#"$DIR/made/"}" || return 1
	done <"$DIR/files"
}
KUBECTL=$(command -v "$KUBECTL")
for kubectl in "$KUBECTL" "$BUILD/tools/root/usr/bin/kubectl" \
	"$(dirname "$(readlink -f "$KUBECTL")")"/kubectl.[0-9]*; do
	[ -x "$kubectl" ] || continue
	check "$($kubectl version --client -o json | jq -r .clientVersion.gitVersion): as committed" \
		made_by "$kubectl"
done
rendered_all() {
	for one in "$SRC"/deploy/overlays/* "$SRC"/deploy/components/*; do
		[ -f "$SRC/deploy/rendered/$(basename "$one").yaml" ] || return 1
	done
}
check "each overlay and component is there as one file" rendered_all
is "nothing here may read secrets" "$(grep -l secrets "$SRC"/deploy/*/*.yaml \
	"$SRC"/deploy/*/*/*.yaml)" ""

# --- fields -------------------------------------------------------------------------
MODELS=${NPM:-}/@kubernetes/client-node/dist/gen/models
YAML=${NPM:-}/js-yaml/dist/js-yaml.mjs
fields() { node "$SRC/tests/deploy/fields.mjs" "$MODELS" "$YAML" "$@"; }
if command -v node >/dev/null && [ -d "$MODELS" ] && [ -f "$YAML" ]; then
	fields "$SRC"/deploy/rendered/*.yaml "$SRC"/k8s/*.yaml "$SRC"/crds/*.yaml \
		"$SRC"/monitoring/*.yaml >"$DIR/fields"
	sed 's/^/# /' "$DIR/fields"
	check "every field is known" grep -q '^ok' "$DIR/fields"
	sed 's/readOnlyRootFilesystem/readOnlyRootFileSystem/' "$SRC/deploy/rendered/base.yaml" \
		>"$DIR/wrong.yaml"
	misspelt() { ! fields "$DIR/wrong.yaml" >"$DIR/refused" &&
		grep -q readOnlyRootFileSystem "$DIR/refused"; }
	check "one that is misspelt is not" misspelt
	sed 's/replicas: 2/replicas: "2"/' "$SRC/deploy/rendered/base.yaml" >"$DIR/wrong.yaml"
	mistyped() { ! fields "$DIR/wrong.yaml" >"$DIR/refused" && grep -q replicas "$DIR/refused"; }
	check "nor one of another type" mistyped
else
	say "ok - $NAME: fields # SKIP no Node.js, or not the packages of npm"
fi
