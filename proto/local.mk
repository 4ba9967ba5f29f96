# proto: what crosses a boundary between processes. libcontrol (the control descriptor,
# settings, a worker's life) needs libc only; liblink adds nanomsg; the shim is linked
# into programs that have links, and nowhere else. libchain is what the audit stream's writer
# and its verifier share, and needs libcrypto.
PROTO_INC = -iquote $(top_srcdir)/proto
noinst_LIBRARIES += proto/libchain.a proto/libcontrol.a proto/liblink.a proto/libshim.a
proto_libchain_a_CPPFLAGS = $(AM_CPPFLAGS) $(BASE_INC) $(PROTO_INC)
proto_libchain_a_CFLAGS = $(AM_CFLAGS) $(OPENSSL_CFLAGS)
proto_libchain_a_SOURCES = proto/chain.c proto/chain.h
proto_libcontrol_a_CPPFLAGS = $(AM_CPPFLAGS) $(BASE_INC) $(PROTO_INC) $(SANDBOX_INC)
proto_libcontrol_a_SOURCES = \
	proto/control.c proto/control.h \
	proto/fdpass.c proto/fdpass.h proto/fds.h \
	proto/opened.c proto/opened.h \
	proto/resolve.h proto/roles.h \
	proto/settings.c proto/settings.h \
	proto/worker.c proto/worker.h
proto_liblink_a_CPPFLAGS = $(proto_libcontrol_a_CPPFLAGS)
proto_liblink_a_CFLAGS = $(AM_CFLAGS) $(NANOMSG_CFLAGS)
proto_liblink_a_SOURCES = \
	proto/link.c proto/link.h \
	proto/messages.c proto/messages.h \
	proto/meter.c proto/meter.h proto/metrics.h \
	proto/pack.c proto/pack.h \
	proto/session.c proto/session.h
proto_libshim_a_CPPFLAGS = $(IPW_CPPFLAGS) $(BASE_INC) $(PROTO_INC)
proto_libshim_a_SOURCES = proto/shim.c proto/shim.h
