#include "role.h"

/* Talks HTTPS on descriptors that its dialer opened, and messages on two links. A list
 * page is read as it streams, so memory stays far below the limit; but while the link
 * is full, curl takes up to 32 MiB of each stream of HTTP/2 (its window). */
const struct sandbox watcher_sandbox = {
    .role = "watcher",
    .groups = {&sandbox_process, &sandbox_wait, &sandbox_base, &sandbox_control,
	&sandbox_nanomsg, &sandbox_https, &sandbox_files},
    .data_max = 192u << 20,
    .files_max = 128,
};
