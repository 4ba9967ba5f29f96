/* Replies of the Compute Engine v1 API as answers. Pure. */
#ifndef IPW_GCP_REPLY_H
#define IPW_GCP_REPLY_H

#include "cloud.h"
#include "http.h"

/* Largest reply (bytes): a page of 500 instances with the fields that are asked for has
 * about 150 KiB; its tree in memory is about twenty times as large. */
#define GCP_REPLY_MAX ((size_t)1024 * 1024)

/* `place` is the zone of a list of instances. The answer is initialised here; the
 * caller clears it. A reply that cannot be read is FAULT_LOST with reason
 * MalformedReply. */
void gcp_reply_read(enum cloud_op op, const char *place, const struct http_reply *reply,
    struct cloud_answer *ret_answer);

#endif
