#include "role.h"

/* Talks HTTPS on descriptors that its dialer opened, and messages on two links. A list
 * page is read as it streams, so memory stays far below the limit. */
const struct sandbox watcher_sandbox = {
    .role = "watcher",
    .groups = {&sandbox_process, &sandbox_wait, &sandbox_base, &sandbox_control,
	&sandbox_nanomsg, &sandbox_https, &sandbox_files},
    .data_max = 96u << 20,
    .files_max = 128,
};
