# The image: what scripts/image makes, and nothing else (docs/image.md).
ARG BASE=debian:12-slim

FROM ${BASE} AS build
# seconds; the time of every file: git log -1 --format=%ct
ARG SOURCE_DATE_EPOCH=0
# such as 20251117T000000Z: packages as snapshot.debian.org had them then
ARG DEBIAN_SNAPSHOT
RUN [ -z "$DEBIAN_SNAPSHOT" ] || { \
	rm -f /etc/apt/sources.list.d/* && \
	for suite in debian/$DEBIAN_SNAPSHOT/bookworm debian/$DEBIAN_SNAPSHOT/bookworm-updates \
		debian-security/$DEBIAN_SNAPSHOT/bookworm-security; do \
		echo "deb [check-valid-until=no] http://snapshot.debian.org/archive/${suite%/*} ${suite##*/} main"; \
	done >/etc/apt/sources.list; }
COPY . /src
RUN /src/scripts/image --rootfs /image

FROM scratch
COPY --from=build /image/ /
USER 65532:65532
EXPOSE 8080 9999
ENTRYPOINT ["/usr/bin/ipwarden"]
