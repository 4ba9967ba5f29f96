/* Connects the pure parts (orders, observe) with the link, the cloud and the clock. */
#ifndef IPW_SHELL_H
#define IPW_SHELL_H

#include "loop.h"
#include "settings.h"

struct shell;

/* Links, TLS and the dialer's client: what needs the system. Before sandbox_lock. */
struct shell *shell_open(struct loop *loop);
void shell_close(struct shell *shell);

/* The endpoints, from the settings. Returns 0, or -EINVAL (logged). */
int shell_start(struct shell *shell, const struct settings *settings);

/* A handed-over file; takes the descriptor. May come before shell_start. */
void shell_file(struct shell *shell, enum file_kind kind, int fd);
/* The dialer started anew. */
void shell_again(struct shell *shell);

#endif
