/* ipwarden-sim: the embedded world, and the judge of its log. */
#include "log.h"
#include "options.h"
#include "serve.h"
#include "sim.h"

int
main(int argc, char **argv)
{
	struct sim_options options;
	int code;

	log_set_process("sim");
	sim_options_read(argc, argv, &options);
	if (options.command == SIM_COMMAND_CHECK)
		code = sim_judge(options.log_path);
	else
		code = serve_run(&options.serve);
	sim_options_free(&options);
	return code;
}
