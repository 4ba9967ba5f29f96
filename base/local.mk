# base: log, event loop, clocks, buffers, limits, memory. Links libc only.
BASE_INC = -iquote $(top_srcdir)/base
noinst_LIBRARIES += base/libbase.a
base_libbase_a_CPPFLAGS = $(AM_CPPFLAGS) $(BASE_INC)
base_libbase_a_SOURCES = \
	base/bounds.h base/exits.h \
	base/buf.c base/buf.h \
	base/clock.c base/clock.h \
	base/duration.c base/duration.h \
	base/log.c base/log.h \
	base/logfmt.c base/logfmt.h \
	base/loop.c base/loop.h \
	base/mem.c base/mem.h \
	base/memfd.c base/memfd.h \
	base/rate.c base/rate.h \
	base/selector.c base/selector.h
