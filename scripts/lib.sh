# Sourced by the scripts: finds the source folder, installs what is missing, builds.
# Everything is made under $BUILD; nothing of the machine changes but Debian packages.
set -eu

SRC=$(cd "$(dirname "$0")/.." && pwd)
BUILD=${IPW_BUILD:-$SRC/build}
STAGE=$BUILD/stage
TOOLS=$BUILD/tools

BUILD_PACKAGES="build-essential autoconf automake pkg-config
	libcurl4-openssl-dev libjson-c-dev libssl-dev libseccomp-dev libcap-dev
	libnanomsg-dev libmicrohttpd-dev libgnutls28-dev libyaml-dev"
TEST_PACKAGES="libcriterion-dev"
RUN_PACKAGES="ca-certificates curl jq procps"

note() { printf '== %s\n' "$*"; }

fail() {
	printf '%s: %s\n' "$(basename "$0")" "$*" >&2
	exit 1
}

missing_packages() {
	for package; do
		dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null |
			grep -q '^install ok installed' || printf '%s ' "$package"
	done
}

# need PACKAGE...: installs those that are missing, or says how.
need() {
	command -v dpkg-query >/dev/null ||
		fail "this is no Debian system: install by hand: $*"
	missing=$(missing_packages "$@")
	[ -n "$missing" ] || return 0
	as_root=
	if [ "$(id -u)" -ne 0 ]; then
		command -v sudo >/dev/null && sudo -n true 2>/dev/null ||
			fail "packages are missing and this user may not install them;
run as root: apt-get install $missing"
		as_root="sudo -n"
	fi
	note "installing: $missing"
	mkdir -p "$BUILD"
	{
		$as_root apt-get update -q &&
			DEBIAN_FRONTEND=noninteractive $as_root apt-get install -q -y \
				--no-install-recommends $missing
	} >"$BUILD/install.log" 2>&1 || {
		tail -20 "$BUILD/install.log" >&2
		fail "apt-get failed; the whole log: $BUILD/install.log"
	}
}

# unpack PACKAGE: Debian's, under the build folder, never installed
unpack() {
	[ -e "$TOOLS/.$1" ] && return 0
	mkdir -p "$TOOLS/deb"
	(cd "$TOOLS/deb" && {
		apt-get download -q "$1" || {
			[ "$(id -u)" -eq 0 ] && apt-get update -q &&
				apt-get download -q "$1"
		}
	}) >"$BUILD/unpack.log" 2>&1 || {
		tail -5 "$BUILD/unpack.log" >&2
		fail "cannot download the package $1"
	}
	dpkg-deb -x "$TOOLS/deb/$1"_*.deb "$TOOLS/root"
	touch "$TOOLS/.$1"
}

# The kubectl of this machine, or Debian's.
find_kubectl() {
	KUBECTL=${KUBECTL:-$(command -v kubectl || true)}
	if [ -z "$KUBECTL" ]; then
		unpack kubernetes-client
		KUBECTL=$TOOLS/root/usr/bin/kubectl
	fi
	export KUBECTL
}

# The nghttpx of this machine, or Debian's: it is for the tests of HTTP/2, which are
# skipped where it cannot be had.
find_nghttpx() {
	NGHTTPX=${NGHTTPX:-$(command -v nghttpx || true)}
	if [ -z "$NGHTTPX" ]; then
		for package in nghttp2-proxy libc-ares2 libev4 libjemalloc2 libnghttp2-14; do
			(unpack $package) || {
				unset NGHTTPX
				return 0
			}
		done
		NGHTTPX=$TOOLS/nghttpx
		cat >"$NGHTTPX" <<-EOF
			#!/bin/sh
			for folder in "$TOOLS"/root/usr/lib/*-linux-gnu*; do
				LD_LIBRARY_PATH=\$folder
			done
			export LD_LIBRARY_PATH
			exec "$TOOLS/root/usr/sbin/nghttpx" "\$@"
		EOF
		chmod +x "$NGHTTPX"
	fi
	export NGHTTPX
}

# The prometheus of this machine, or Debian's, with promtool beside it: for the tests of
# alerts and dashboard, which are skipped where it cannot be had.
find_prometheus() {
	PROMETHEUS=${PROMETHEUS:-$(command -v prometheus || true)}
	if [ -z "$PROMETHEUS" ]; then
		(unpack prometheus) || {
			unset PROMETHEUS
			return 0
		}
		PROMETHEUS=$TOOLS/root/usr/bin/prometheus
	fi
	export PROMETHEUS
}

# Packages of npm that some tests of deploy/ need, each alone and never installed: types of
# Kubernetes' API, and an evaluator of CEL. Those tests are skipped where they cannot be had.
find_npm() {
	command -v node >/dev/null && command -v npm >/dev/null || return 0
	for package in @kubernetes/client-node@1.4.0 @marcbachmann/cel-js@8.0.0 js-yaml@4.1.1; do
		folder=$TOOLS/npm/${package%@*}
		[ ! -f "$folder/package.json" ] || continue
		mkdir -p "$folder"
		(cd "$folder" && file=$(npm pack --silent "$package") &&
			tar -xzf "$file" --strip-components=1 && rm "$file") \
			>"$BUILD/npm.log" 2>&1 || {
			rm -rf "$folder"
			return 0
		}
	done
	export NPM="$TOOLS/npm"
}

# build FOLDER CONFIGURE-OPTION...: configured once, made, staged in FOLDER/stage
build() {
	folder=$1
	shift
	mkdir -p "$folder"
	log=$folder/build.log
	{
		[ -x "$SRC/configure" ] &&
			[ -z "$(find "$SRC/configure.ac" -newer "$SRC/configure")" ] ||
			(cd "$SRC" && autoreconf -fi)
		if [ ! -f "$folder/config.status" ] ||
			[ "$(cat "$folder/configured" 2>/dev/null)" != "$*" ]; then
			(cd "$folder" && "$SRC/configure" --prefix="$folder/stage" "$@") &&
				echo "$*" >"$folder/configured"
		fi && make -C "$folder" -j"$(nproc)" &&
			make -C "$folder" install
	} >"$log" 2>&1 || {
		grep -E 'error|Error' "$log" | head -20 >&2
		tail -5 "$log" >&2
		fail "the build failed; the whole log: $log"
	}
}
