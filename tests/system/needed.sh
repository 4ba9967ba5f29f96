#!/bin/sh
# What each program is linked with: its direct NEEDED entries against an allow-list, the
# hardening of each binary, and the symbols of the shim, which only the workers with links
# may put before libc's. No program runs.
. "$SRC/tests/system/lib.sh"

# The standard library; the resolver's parser is in libresolv, a part of it.
LIBC="libc.so.6 ld-linux-x86-64.so.2 ld-linux-aarch64.so.1"
HTTPS="libcurl.so.4 libjson-c.so.5 libssl.so.3 libcrypto.so.3"
LINKS="libnanomsg.so.5"

# allowed PROGRAM: what it may name, besides libc
allowed() {
	case $1 in
	ipwarden) echo libcap.so.2 libseccomp.so.2 ;;
	ipwarden-dialer) echo libseccomp.so.2 ;;
	ipwarden-resolver) echo libseccomp.so.2 libresolv.so.2 ;;
	ipwarden-config) echo libseccomp.so.2 libyaml-0.so.2 ;;
	ipwarden-metricsd) echo libseccomp.so.2 libmicrohttpd.so.12 $LINKS ;;
	*) echo libseccomp.so.2 $LINKS "$HTTPS" ;;
	esac
}

# required PROGRAM: what it must name; a filter that is not linked is none
required() {
	case $1 in
	ipwarden) echo libseccomp.so.2 libcap.so.2 ;;
	ipwarden-dialer | ipwarden-resolver | ipwarden-config) echo libseccomp.so.2 ;;
	ipwarden-metricsd) echo libseccomp.so.2 libnanomsg.so.5 libmicrohttpd.so.12 ;;
	*) echo libseccomp.so.2 libnanomsg.so.5 libcurl.so.4 ;;
	esac
}

# barred PROGRAM: what may not even come along with another library
barred() {
	case $1 in
	ipwarden | ipwarden-dialer | ipwarden-resolver)
		echo libcurl libssl libcrypto libjson-c libnanomsg libyaml libmicrohttpd \
			libgnutls libpthread libstdc++
		;;
	ipwarden-config) echo libcurl libssl libcrypto libjson-c libnanomsg libmicrohttpd ;;
	ipwarden-metricsd) echo libcurl libssl libcrypto libjson-c libyaml ;;
	*) echo libyaml libmicrohttpd libcap.so ;;
	esac
}

SHIM="accept accept4 bind close connect listen recvmsg socket unlink"

has_links() {
	case $1 in
	ipwarden-metricsd | ipwarden-cloudworker | ipwarden-reconciler | ipwarden-watcher) ;;
	*) return 1 ;;
	esac
}

needed() { readelf -dW "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort; }

# Every library that gets into its memory, without the kernel's own.
transitive() { ldd "$1" | awk '/=>/ { print $1 } !/=>/ { sub(".*/", "", $1); print $1 }' |
	grep -v '^linux-vdso' | sort; }

in_line() { echo "$1" | tr '\n' ' ' | sed 's/ $//'; }

# outside "WORDS" "LIST": words that are not in the list
outside() {
	for word in $1; do
		case " $(in_line "$2") " in *" $word "*) ;; *) echo "$word" ;; esac
	done
}

barred_present() {
	for word in $2; do echo "$1" | grep "^$word"; done
}

exported() { nm -D --defined-only "$1" | awk '$2 == "T" || $2 == "W" { print $3 }'; }

undefined() { nm -D --undefined-only "$1" | awk '{ sub("@.*", "", $2); print $2 }'; }

# --- hardening ---------------------------------------------------------------------

is_pie() { readelf -hW "$1" | grep -q 'Type: *DYN' && readelf -dW "$1" | grep -q 'Flags:.*PIE'; }

is_bound_now() { readelf -dW "$1" | grep -q 'BIND_NOW\|Flags:.*NOW'; }

has_relro() { readelf -lW "$1" | grep -q '^ *GNU_RELRO'; }

# The header must be there: without it the stack would be executable.
has_plain_stack() { readelf -lW "$1" | awk '$1 == "GNU_STACK" { print $7 }' | grep -qx RW; }

has_no_writable_code() {
	! readelf -lW "$1" | awk '$1 == "LOAD" { print $7 $8 }' | grep -q 'W.*E'
}

has_no_path() { ! readelf -dW "$1" | grep -q 'RPATH\|RUNPATH\|TEXTREL'; }

has_stack_protector() { undefined "$1" | grep -qx __stack_chk_fail; }

# Where a function has a checked form, the program uses one at least.
is_fortified() {
	undefined "$1" | grep -q '_chk$' ||
		! undefined "$1" | grep -qxE 'memcpy|snprintf|vsnprintf|read|recv|strncpy'
}

instrumented() { grep -q '^#define IPW_INSTRUMENTED 1' "$BUILD/config.h" 2>/dev/null; }

check_hardening() {
	check "$2 is position independent" is_pie "$1"
	check "$2 is bound at its start" is_bound_now "$1"
	check "$2 has its tables read-only" has_relro "$1"
	check "$2 has no executable stack" has_plain_stack "$1"
	check "$2 has no writable code" has_no_writable_code "$1"
	check "$2 looks for libraries in no folder of its own" has_no_path "$1"
	! instrumented || return 0
	check "$2 guards its stack" has_stack_protector "$1"
	check "$2 uses the checked functions" is_fortified "$1"
	check "$2 loads no library late and starts no shell" no_loading "$1"
}

no_loading() { ! undefined "$1" | grep -qxE 'dlopen|dlmopen|system|popen|posix_spawn'; }

# --- linkage -----------------------------------------------------------------------

check_linkage() {
	direct=$(needed "$1")
	# a sanitizer's runtime is not the program's choice
	! instrumented || direct=$(echo "$direct" | grep -v 'lib[a-z]*san\|libgcov\|libm\.')
	is "$2 names nothing beyond its list" "$(outside "$direct" "$LIBC $(allowed "$2")")" ""
	is "$2 names what it cannot do without" "$(outside "$(required "$2")" "$direct")" ""
	whole=$(transitive "$1")
	is "$2 has no library that it must not have" \
		"$(barred_present "$whole" "$(barred "$2")")" ""
	say "# $2 names $(in_line "$direct")"
	say "# $2 gets $(echo "$whole" | wc -l): $(in_line "$whole")"
}

check_shim() {
	symbols=$(exported "$1")
	missing=$(outside "$SHIM" "$symbols")
	if has_links "$2"; then
		is "$2 puts the shim before libc" "$missing" ""
	else
		is "$2 has nothing of the shim" "$(in_line "$missing")" "$SHIM"
	fi
	is "$2 puts nothing else before a library" "$(outside "$symbols" "$SHIM")" ""
}

# the empty folder there is the root of processes with uids of their own
set -- "$STAGE/bin/ipwarden" "$STAGE"/libexec/ipwarden/ipwarden-*
is "all eight programs are there" "$#" 8
for file; do
	program=$(basename "$file")
	check_linkage "$file" "$program"
	check_shim "$file" "$program"
	check_hardening "$file" "$program"
done
