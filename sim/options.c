#include "options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "exits.h"
#include "mem.h"

#define DEFAULT_ZONES	  "us-west1-a"
#define DEFAULT_ADDRESSES "34.82.10.1,34.82.10.2"

static const char help[] =
    "Usage: ipwarden-sim serve --dir DIR [OPTION]...\n"
    "       ipwarden-sim check LOG\n"
    "\n"
    "serve: a Kubernetes API and a cloud (GCE) on 127.0.0.1, until SIGTERM. "
    "Kubeconfigs,\n"
    "ca.crt and last of all world.env (shell variables) are written into DIR.\n"
    "  --dir DIR          made if there is none\n"
    "  --nodes N          node-1 to node-N (default 3)\n"
    "  --zones Z1,Z2,…    where they are, in turn (default " DEFAULT_ZONES ")\n"
    "  --addresses A,B,…  reserved in the first zone's region\n"
    "                     (default " DEFAULT_ADDRESSES ")\n"
    "  --ephemeral        each instance starts with an ephemeral address\n"
    "  --port P           of the Kubernetes API (default 0: the kernel chooses)\n"
    "  --request-log FILE each request to the Kubernetes API, one JSON object a line\n"
    "\n"
    "check: judges a log of attachments. Ends with 0 when nothing was violated, 1 "
    "when\n"
    "something was, 2 when the log cannot be read.\n"
    "\n"
    "  --help, --version\n"
    "\n"
    "CONTROL_URL takes JSON:\n"
    "  GET    /healthz\n"
    "  POST   /kube/objects             one object, created or replaced\n"
    "  DELETE /kube/objects?path=PATH   removed at once\n"
    "  POST   /kube/restart             all connections end; see ipwarden-sim(1)\n"
    "  POST   /kube/settings\n"
    "         /gce/…                    the cloud's own settings\n"
    "  GET    /faults                   what they hold\n"
    "  DELETE /faults                   all faults; what they held goes on\n"
    "  POST   /faults                   one fault, with the keys\n"
    "    target           \"kube\", \"gce\" or \"metadata\"; required\n"
    "    method           \"GET\", …; any if left out\n"
    "    path             matched anywhere in the request's path; any if left out\n"
    "    status           200 to 599: answered instead of carrying the request out\n"
    "    body             that answer's body, a text or an object\n"
    "    contains         matched anywhere in the request's body\n"
    "    delay_ms         the answer is held back that long\n"
    "    drop_before      true: cut the connection, do nothing\n"
    "    drop_after       true: carry the request out, then cut the connection\n"
    "    operation_error  gce: the operation ends with this code\n"
    "    hold             \"before\", \"after\": the request or its answer waits until "
    "the\n"
    "                     faults are cleared; gce: \"operation\", \"wait\"\n"
    "    verb, user, retry_after_s, cut_after, stall_after, trickle_ms, error_event,\n"
    "    read_version, repeat_events, tls_failure    kube: see ipwarden-sim(1)\n"
    "    count            requests that it hits (default 1; -1: until cleared)\n";

static void __attribute__((noreturn, format(printf, 1, 2)))
bad_usage(const char *format, ...)
{
	va_list args;

	fputs("ipwarden-sim: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputs(" (see ipwarden-sim --help)\n", stderr);
	exit(EXIT_CONFIG);
}

static size_t
read_number(const char *option, const char *text, size_t most)
{
	char *end;
	unsigned long number;

	errno = 0;
	number = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 ||
	    number > most)
		bad_usage(
		    "--%s takes a number from 0 to %zu, not '%s'", option, most, text);
	return number;
}

/* Cuts `text` up at its commas. */
static size_t
read_list(const char *option, char *text, const char **items, size_t items_max)
{
	size_t count = 0;

	while (text != NULL) {
		char *item = strsep(&text, ",");

		if (count == items_max)
			bad_usage("--%s takes at most %zu items", option, items_max);
		for (size_t i = 0; i < count; i++)
			if (strcmp(items[i], item) == 0)
				bad_usage("--%s names '%s' twice", option, item);
		items[count++] = item;
	}
	return count;
}

static void
check_zone(const char *zone)
{
	const char *dash = strrchr(zone, '-');

	if (strspn(zone, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(zone) ||
	    strlen(zone) > 63 || dash == NULL || dash == zone || dash[1] == '\0')
		bad_usage("--zones: '%s' is not a zone such as us-west1-a", zone);
}

static void
check_address(const char *address)
{
	struct in_addr parsed;

	if (inet_pton(AF_INET, address, &parsed) != 1)
		bad_usage("--addresses: '%s' is not an IPv4 address", address);
}

enum option_key {
	OPT_DIR = 256, /* above every character */
	OPT_NODES,
	OPT_ZONES,
	OPT_ADDRESSES,
	OPT_EPHEMERAL,
	OPT_PORT,
	OPT_REQUEST_LOG,
	OPT_HELP,
	OPT_VERSION,
};

static const struct option long_options[] = {
    {"dir", required_argument, NULL, OPT_DIR},
    {"nodes", required_argument, NULL, OPT_NODES},
    {"zones", required_argument, NULL, OPT_ZONES},
    {"addresses", required_argument, NULL, OPT_ADDRESSES},
    {"ephemeral", no_argument, NULL, OPT_EPHEMERAL},
    {"port", required_argument, NULL, OPT_PORT},
    {"request-log", required_argument, NULL, OPT_REQUEST_LOG},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

/* `key` is what getopt_long makes of an option that it does not take. */
static void __attribute__((noreturn)) bad_option(int key, const char *text)
{
	if (key == ':')
		bad_usage("option '%s' needs a value", text);
	if (optopt >= OPT_DIR)
		bad_usage("option '%s' takes no value", text);
	if (optopt != 0)
		bad_usage("unknown option '-%c'", optopt);
	bad_usage("unknown option '%s'", text);
}

static void
replace_text(char **text, const char *value)
{
	free(*text);
	*text = mem_strdup(value);
}

static void
read_option(int key, const char *last, struct sim_options *options)
{
	switch (key) {
	case OPT_DIR:
		options->serve.dir = optarg;
		break;
	case OPT_NODES:
		options->serve.nodes = read_number("nodes", optarg, SERVE_NODES_MAX);
		break;
	case OPT_ZONES:
		replace_text(&options->zones_text, optarg);
		break;
	case OPT_ADDRESSES:
		replace_text(&options->addresses_text, optarg);
		break;
	case OPT_EPHEMERAL:
		options->serve.ephemeral = true;
		break;
	case OPT_PORT:
		options->serve.port = (uint16_t)read_number("port", optarg, UINT16_MAX);
		break;
	case OPT_REQUEST_LOG:
		options->serve.request_log = optarg;
		break;
	case OPT_HELP:
		fputs(help, stdout);
		exit(EXIT_OK);
	case OPT_VERSION:
		puts("ipwarden-sim " PACKAGE_VERSION);
		exit(EXIT_OK);
	default:
		bad_option(key, last);
	}
}

static void
finish_serve(struct sim_options *options)
{
	struct serve_options *serve = &options->serve;

	if (serve->dir == NULL || serve->dir[0] == '\0')
		bad_usage("serve needs --dir DIR");
	if (serve->ephemeral && serve->nodes > SERVE_EPHEMERAL_MAX)
		bad_usage("--ephemeral takes at most %u nodes", SERVE_EPHEMERAL_MAX);
	serve->zones_len =
	    read_list("zones", options->zones_text, serve->zones, SERVE_ZONES_MAX);
	for (size_t i = 0; i < serve->zones_len; i++)
		check_zone(serve->zones[i]);
	if (options->addresses_text[0] != '\0')
		serve->addresses_len = read_list("addresses", options->addresses_text,
		    serve->addresses, SERVE_ADDRESSES_MAX);
	for (size_t i = 0; i < serve->addresses_len; i++)
		check_address(serve->addresses[i]);
}

void
sim_options_read(int argc, char **argv, struct sim_options *ret_options)
{
	struct sim_options options = {.serve.nodes = 3};
	bool serve_options_given = false;
	const char *command;
	int key;

	replace_text(&options.zones_text, DEFAULT_ZONES);
	replace_text(&options.addresses_text, DEFAULT_ADDRESSES);
	opterr = 0;
	while ((key = getopt_long(argc, argv, ":", long_options, NULL)) != -1) {
		read_option(key, argv[optind - 1], &options);
		serve_options_given = true;
	}
	command = optind < argc ? argv[optind++] : NULL;
	if (command == NULL)
		bad_usage("a command is needed: serve or check");
	if (strcmp(command, "check") == 0) {
		options.command = SIM_COMMAND_CHECK;
		options.log_path = optind < argc ? argv[optind++] : NULL;
		if (options.log_path == NULL || serve_options_given)
			bad_usage("check takes a LOG and no option");
	} else if (strcmp(command, "serve") == 0) {
		options.command = SIM_COMMAND_SERVE;
		finish_serve(&options);
	} else {
		bad_usage("unknown command '%s'", command);
	}
	if (optind < argc)
		bad_usage("unexpected argument '%s'", argv[optind]);
	*ret_options = options;
}

void
sim_options_free(struct sim_options *options)
{
	free(options->zones_text);
	free(options->addresses_text);
}
