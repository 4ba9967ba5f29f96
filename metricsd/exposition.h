/* The registry as Prometheus text, format 0.0.4:
 * https://prometheus.io/docs/instrumenting/exposition_formats/ */
#ifndef IPW_EXPOSITION_H
#define IPW_EXPOSITION_H

#include "buf.h"
#include "registry.h"

/* A page of REGISTRY_SERIES_MAX series of usual length, and as much again; with its NUL
 * it is as large as a buffer that doubles grows (bytes). */
#define EXPOSITION_MAX ((16u << 20) - 1)

#define EXPOSITION_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* `cluster` is put in front of every series' labels; NULL or "": not. Returns 0, or
 * -E2BIG when the page would be too large. */
int exposition_write(
    const struct registry *registry, const char *cluster, struct buf *out);

#endif
