/* What a write to the API changes, for the audit stream: before and after, each one
 * JSON object that has only what differs. Pure. */
#ifndef IPW_CHANGE_H
#define IPW_CHANGE_H

#include "buf.h"

/* Each of the two texts is at most so long (bytes). What does not fit is counted, as
 * "more": both fit into a line of the stream. */
#define CHANGE_MAX 16384u

/* A status, as read and as the body of the merge patch that writes it. By address:
 * state, reason, node, the step and id of its intent; of the conditions: status and
 * reason; the policy in force. A message alone: that of the address or condition. Both
 * buffers are empty and take CHANGE_MAX. */
void change_status(const char *before_json, const char *patch, struct buf *ret_before,
    struct buf *ret_after);

#endif
