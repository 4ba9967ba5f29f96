# http: HTTPS on curl-multi over brokered descriptors.
HTTP_INC = -iquote $(top_srcdir)/http
noinst_LIBRARIES += http/libhttp.a
http_libhttp_a_CPPFLAGS = $(AM_CPPFLAGS) $(BASE_INC) $(PROTO_INC) $(HTTP_INC)
http_libhttp_a_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS) $(OPENSSL_CFLAGS)
http_libhttp_a_SOURCES = \
	http/answer.c \
	http/dial.c http/dial.h \
	http/exchange.c http/exchange.h \
	http/http.c http/http.h \
	http/request.c \
	http/target.c http/target.h \
	http/trust.c http/trust.h
