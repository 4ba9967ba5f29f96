# footprint: what Pod Ashiato writes: a pod's line, and the ConfigMaps of an hour; and
# those of a day of addresses. What sends the requests is the program's; links libcrypto
# and json-c.
FOOTPRINT_INC = -iquote $(top_srcdir)/footprint
noinst_LIBRARIES += footprint/libfootprint.a
footprint_libfootprint_a_CPPFLAGS = $(AM_CPPFLAGS) $(BASE_INC) $(PROTO_INC) $(HTTP_INC) \
	$(KUBE_INC) $(FOOTPRINT_INC)
footprint_libfootprint_a_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS) $(OPENSSL_CFLAGS)
footprint_libfootprint_a_SOURCES = \
	footprint/day.c footprint/day.h \
	footprint/diary.c footprint/diary.h \
	footprint/hour.c footprint/hour.h \
	footprint/line.c footprint/line.h \
	footprint/moment.c footprint/moment.h \
	footprint/notes.c footprint/notes.h \
	footprint/parts.c footprint/parts.h \
	footprint/round.c footprint/round.h \
	footprint/stay.c footprint/stay.h \
	footprint/store.c footprint/store.h \
	footprint/sweep.c footprint/sweep.h \
	footprint/watched.c footprint/watched.h
