#include "role.h"

/* Holds cloud credentials, so it gets nothing but its descriptors: no file, no socket,
 * no connection that the dialer's allowlist does not have. */
const struct sandbox cloudworker_sandbox = {
    .role = "cloudworker",
    .groups =
	{
	    &sandbox_process,
	    &sandbox_wait,
	    &sandbox_base,
	    &sandbox_control,
	    &sandbox_nanomsg,
	    &sandbox_https,
	    &sandbox_files,
	},
    /* the tree of one page of a list is the largest thing: GCP_REPLY_MAX × 20 */
    .data_max = 64ull * 1024 * 1024,
    .files_max = 64,
};
