/* The registry as text, in one of two formats:
 * https://prometheus.io/docs/instrumenting/exposition_formats/ (0.0.4) and
 * https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md */
#ifndef IPW_EXPOSITION_H
#define IPW_EXPOSITION_H

#include "buf.h"
#include "registry.h"

/* A page of REGISTRY_SERIES_MAX series of usual length, and as much again; with its NUL
 * it is as large as a buffer that doubles grows (bytes). */
#define EXPOSITION_MAX ((16u << 20) - 1)

enum exposition_format { EXPOSITION_PROMETHEUS, EXPOSITION_OPENMETRICS };

/* Content-Type. */
const char *exposition_type(enum exposition_format format);
/* What a client wants that sent this header Accept (NULL: none); RFC 9110 §12.5.1.
 * OpenMetrics only for who names it, in version 1.0.0 or none, at least as gladly as
 * plain text. */
enum exposition_format exposition_negotiate(const char *accept);

/* `cluster` is put in front of every series' labels; NULL or "": not. Returns 0, or
 * -E2BIG when the page would be too large.
 *
 * In OpenMetrics the inherited gauges whose names end in _total are of type unknown:
 * a gauge of that name is not allowed, and without them a Prometheus, which asks for
 * OpenMetrics by itself, would lose what its dashboards show. */
int exposition_write(const struct registry *registry, enum exposition_format format,
    const char *cluster, struct buf *out);

#endif
