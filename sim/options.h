/* The command line of ipwarden-sim. */
#ifndef IPW_SIM_OPTIONS_H
#define IPW_SIM_OPTIONS_H

#include "serve.h"

enum sim_command { SIM_COMMAND_SERVE, SIM_COMMAND_CHECK };

struct sim_options {
	enum sim_command command;
	const char *log_path; /* of check */
	struct serve_options serve;
	char *zones_text; /* what serve's lists point into */
	char *addresses_text;
};

/* Ends the process with EXIT_CONFIG and one line on stderr when something is wrong, and
 * with EXIT_OK after --help and --version. The texts of argv must outlive the options.
 */
void sim_options_read(int argc, char **argv, struct sim_options *ret_options);
void sim_options_free(struct sim_options *options);

#endif
