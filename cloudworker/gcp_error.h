/* What GCE's errors mean: one table for HTTP answers and for operations that failed.
 * Source: Compute Engine API errors, rate quotas; CLOUDS §1.3. */
#ifndef IPW_GCP_ERROR_H
#define IPW_GCP_ERROR_H

#include "cloud.h"

/* `status` is the HTTP status, or httpErrorStatusCode of an operation (0: none);
 * `code` an error's reason or code ("" none). Sets fault, reason and message; the
 * message of a missing permission names it. */
void gcp_error_classify(
    struct cloud_answer *answer, int status, const char *code, const char *message);

#endif
