#include "options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bounds.h"
#include "config.h"
#include "exits.h"
#include "options_state.h"

#define COMPUTE_ENDPOINT "https://compute.googleapis.com/compute/v1"
#define METADATA_HOST	 "169.254.169.254"
#define SYSTEM_CA_BUNDLE "/etc/ssl/certs/ca-certificates.crt"

void
options_bad(const char *format, ...)
{
	va_list args;

	fputs("ipwarden: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputs(" (see ipwarden --help)\n", stderr);
	exit(EXIT_CONFIG);
}

static void __attribute__((noreturn)) print_help(void)
{
	puts(
	    "Usage: ipwarden [OPTION]...\n"
	    "Keeps a cluster's static public IP addresses on the right nodes.\n"
	    "\n"
	    "      --kubeconfig FILE          the API server and its credentials\n"
	    "                                 (KUBECONFIG; default: in-cluster)\n"
	    "      --watcher-kubeconfig FILE  a read-only identity for the watcher\n"
	    "                                 (default: a token is minted for it)\n"
	    "      --allow-shared-token       refused that token in a pod, the "
	    "watcher\n"
	    "                                 uses the one that can write\n"
	    "      --insecure-skip-tls-verify a kubeconfig may say that the API "
	    "server\n"
	    "                                 is not verified\n"
	    "      --gcp-endpoint URL         compute API (IPWARDEN_GCP_ENDPOINT)\n"
	    "      --cloud-ca FILE            CA bundle for the cloud (SSL_CERT_FILE)\n"
	    "      --agent                    write the PodTrackerSlices of the node\n"
	    "                                 NODE_NAME, and do nothing else\n"
	    "      --dry-run                  change nothing; statuses say what would "
	    "be done\n"
	    "      --log-level LEVEL          info (default) or "
	    "debug\n" OPTIONS_FOOTPRINT_HELP "      --help, --version\n"
	    "\n"
	    "Environment: GCE_METADATA_HOST, METRICS_PORT (9999), HEALTH_PORT (8080),\n"
	    "POD_NAME, NODE_NAME, LEASE_NAME, LEASE_NAMESPACE, LEASE_DURATION (60 s),\n"
	    "LEASE_SKEW_GRACE_SEC (2), CLUSTER_NAME, CONTROLLER_VERSION,\n"
	    "IPWARDEN_DEFAULT_POLICY (Sync), LOG_FORMAT (json or logfmt), "
	    "SEPARATE_UIDS\n"
	    "(false), IPWARDEN_STORE_IN_CM and so on for the options of\n"
	    "footprints. A port of 0 is chosen by the kernel and logged. See "
	    "ipwarden(8).");
	exit(EXIT_OK);
}

const char *
options_env(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && *value != '\0' ? value : NULL;
}

static long
number_of(const char *name, const char *text, long least, long most)
{
	char *end;
	long number;

	errno = 0;
	number = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || number < least ||
	    number > most)
		options_bad("%s must be a number from %ld to %ld, not \"%s\"", name,
		    least, most, text);
	return number;
}

static long
env_number(const char *name, long least, long most, long fallback)
{
	const char *value = options_env(name);

	return value != NULL ? number_of(name, value, least, most) : fallback;
}

bool
options_env_bool(const char *name)
{
	const char *value = options_env(name);

	if (value != NULL && strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
		options_bad("%s must be true or false, not \"%s\"", name, value);
	return value != NULL && strcmp(value, "true") == 0;
}

void
options_set(
    struct options *options, enum setting key, const char *name, const char *value)
{
	if (settings_set(&options->settings, key, value) < 0)
		options_bad("%s is too long or holds a control character", name);
}

static void
set_number(struct options *options, enum setting key, long number)
{
	char text[32];

	snprintf(text, sizeof text, "%ld", number);
	options_set(options, key, setting_name(key), text);
}

void
options_set_name(
    struct options *options, enum setting key, const char *name, const char *value)
{
	size_t len = strlen(value);
	bool good = len > 0 && len <= NAME_MAX_LEN;

	for (size_t i = 0; good && i < len; i++)
		good = (value[i] >= 'a' && value[i] <= 'z') ||
		       (value[i] >= '0' && value[i] <= '9') ||
		       ((value[i] == '-' || value[i] == '.') && i > 0 && i < len - 1);
	if (!good)
		options_bad("%s must be a Kubernetes name, not \"%s\"", name, value);
	options_set(options, key, name, value);
}

struct endpoint {
	char host[NAME_MAX_LEN + 1];
	char port[8];
};

/* HOST, HOST:PORT or [V6]:PORT, up to `end`. */
static void
parse_authority(const char *name, const char *text, size_t len, const char *port,
    struct endpoint *ret)
{
	const char *colon = memrchr(text, ':', len);
	const char *bracket = memchr(text, ']', len);
	size_t host_len = len;

	if (bracket != NULL && colon != NULL && colon < bracket)
		colon = NULL;
	if (colon != NULL) {
		host_len = (size_t)(colon - text);
		snprintf(ret->port, sizeof ret->port, "%.*s", (int)(len - host_len - 1),
		    colon + 1);
		number_of(name, ret->port, 1, 65535);
	} else {
		snprintf(ret->port, sizeof ret->port, "%s", port);
	}
	if (bracket != NULL && text[0] == '[') {
		text++;
		host_len = (size_t)(bracket - text);
	}
	if (host_len == 0 || host_len > NAME_MAX_LEN ||
	    memchr(text, ' ', host_len) != NULL)
		options_bad("%s has no valid host", name);
	memcpy(ret->host, text, host_len);
	ret->host[host_len] = '\0';
}

static bool
is_loopback(const char *host)
{
	struct in_addr v4;

	if (inet_pton(AF_INET, host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	return strcmp(host, "::1") == 0;
}

static void
set_dial(struct options *options, enum setting key, const struct endpoint *endpoint)
{
	char text[sizeof endpoint->host + sizeof endpoint->port + 1];

	snprintf(text, sizeof text, "%s %s", endpoint->host, endpoint->port);
	options_set(options, key, setting_name(key), text);
}

static void
set_compute(struct options *options, const char *url)
{
	static const char name[] = "--gcp-endpoint";
	bool plain = strncmp(url, "http://", 7) == 0;
	const char *authority = url + (plain ? 7 : 8);
	struct endpoint endpoint = {0};

	if (!plain && strncmp(url, "https://", 8) != 0)
		options_bad("%s must be a https:// URL, not \"%s\"", name, url);
	parse_authority(name, authority, strcspn(authority, "/?#"),
	    plain ? "80" : "443", &endpoint);
	if (plain && !is_loopback(endpoint.host))
		options_bad("%s: plain http is for loopback only", name);
	options_set(options, SETTING_GCP_ENDPOINT, name, url);
	set_dial(options, SETTING_DIAL_COMPUTE, &endpoint);
}

static void
set_metadata(struct options *options, const char *host)
{
	struct endpoint endpoint = {0};

	if (strpbrk(host, "/?#@ ") != NULL)
		options_bad("GCE_METADATA_HOST must be HOST[:PORT], not \"%s\"", host);
	parse_authority("GCE_METADATA_HOST", host, strlen(host), "80", &endpoint);
	options_set(options, SETTING_METADATA_HOST, "GCE_METADATA_HOST", host);
	set_dial(options, SETTING_DIAL_METADATA, &endpoint);
}

/* The namespace that the pod runs in, as the kubelet mounts it; "" outside a pod. */
static void
read_pod_namespace(char *out, size_t size)
{
	int fd = open(SERVICE_ACCOUNT_DIR "/namespace", O_RDONLY | O_CLOEXEC);
	ssize_t len = 0;

	out[0] = '\0';
	if (fd < 0)
		return;
	len = read(fd, out, size - 1);
	close(fd);
	out[len > 0 ? len : 0] = '\0';
	out[strcspn(out, "\n")] = '\0';
}

static void
set_identity(struct options *options)
{
	char namespace[LABEL_MAX_LEN + 1];
	char host[HOST_NAME_MAX + 1] = "ipwarden";
	const char *lease_namespace = options_env("LEASE_NAMESPACE");

	gethostname(host, sizeof host - 1);
	for (char *c = host; *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	options_set_name(options, SETTING_POD_NAME, "POD_NAME",
	    options_env("POD_NAME") != NULL ? options_env("POD_NAME") : host);
	read_pod_namespace(namespace, sizeof namespace);
	if (namespace[0] == '\0' || options->kubeconfig != NULL)
		snprintf(namespace, sizeof namespace, "kube-system");
	options_set_name(
	    options, SETTING_POD_NAMESPACE, "the pod's namespace", namespace);
	options_set_name(options, SETTING_LEASE_NAMESPACE, "LEASE_NAMESPACE",
	    lease_namespace != NULL ? lease_namespace : namespace);
	options_set_name(options, SETTING_LEASE_NAME, "LEASE_NAME",
	    options_env("LEASE_NAME") != NULL ? options_env("LEASE_NAME")
					      : "ip-address-controller-leader");
}

/* The watcher's token is minted for an account of this name in the pod's namespace. */
#define WATCHER_ACCOUNT	      "ipwarden-watcher"
#define AGENT_WATCHER_ACCOUNT "pod-ip-tracker-agent-watcher"

/* With a kubeconfig somebody tries things out; a pod is to be right or to say so. */
static void
set_watcher(struct options *options)
{
	if (options->watcher_kubeconfig != NULL)
		return;
	options->allow_shared_token |= options->kubeconfig != NULL;
	options_set(options, SETTING_WATCHER_ACCOUNT, "watcher-account",
	    options->agent ? AGENT_WATCHER_ACCOUNT : WATCHER_ACCOUNT);
	if (options->allow_shared_token)
		options_set(
		    options, SETTING_ALLOW_SHARED_TOKEN, "allow-shared-token", "yes");
	if (options_env("NODE_NAME") != NULL)
		options_set_name(
		    options, SETTING_NODE_NAME, "NODE_NAME", options_env("NODE_NAME"));
}

/* spec.policy of objects that name none. */
static void
set_default_policy(struct options *options)
{
	static const char *const policies[] = {"Sync", "AssignOnly", "Observe"};
	const char *policy = options_env("IPWARDEN_DEFAULT_POLICY");
	bool known = policy == NULL;

	for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++)
		known |= policy != NULL && strcmp(policy, policies[i]) == 0;
	if (!known)
		options_bad("IPWARDEN_DEFAULT_POLICY must be Sync, AssignOnly or "
			    "Observe, not \"%s\"",
		    policy);
	if (policy != NULL)
		options_set(
		    options, SETTING_DEFAULT_POLICY, "IPWARDEN_DEFAULT_POLICY", policy);
}

static void
set_agent(struct options *options)
{
	const char *node = options_env("NODE_NAME");

	if (node == NULL)
		options_bad("--agent needs NODE_NAME, the node's name");
	options_set_name(options, SETTING_AGENT_NODE, "NODE_NAME", node);
}

static void
set_log_format(struct options *options)
{
	const char *format = options_env("LOG_FORMAT");

	options->logfmt = format != NULL && strcmp(format, "logfmt") == 0;
	if (format != NULL && !options->logfmt && strcmp(format, "json") != 0)
		options_bad("LOG_FORMAT must be json or logfmt, not \"%s\"", format);
}

static void
set_lease(struct options *options)
{
	long duration_s = env_number("LEASE_DURATION", 5, 3600, 60);
	long grace_s = env_number("LEASE_SKEW_GRACE_SEC", 0, 600, 2);

	if (grace_s * 2 >= duration_s)
		options_bad("LEASE_SKEW_GRACE_SEC (%ld) must be less than half of "
			    "LEASE_DURATION (%ld)",
		    grace_s, duration_s);
	set_number(options, SETTING_LEASE_DURATION_S, duration_s);
	set_number(options, SETTING_LEASE_GRACE_S, grace_s);
}

/* Who changes the cloud by whose word; a node's agent has nothing of it. */
static void
set_operator(struct options *options, const char *endpoint)
{
	if (options_env("GOOGLE_APPLICATION_CREDENTIALS") != NULL)
		options_bad(
		    "GOOGLE_APPLICATION_CREDENTIALS: key files are not supported "
		    "yet; use the metadata server's identity");
	set_compute(options, endpoint != NULL ? endpoint : COMPUTE_ENDPOINT);
	set_metadata(options, options_env("GCE_METADATA_HOST") != NULL
				  ? options_env("GCE_METADATA_HOST")
				  : METADATA_HOST);
	set_lease(options);
	set_default_policy(options);
	options_footprint(options);
}

static void
set_from_environment(struct options *options)
{
	options->metrics_port = (uint16_t)env_number("METRICS_PORT", 0, 65535, 9999);
	options->health_port = (uint16_t)env_number("HEALTH_PORT", 0, 65535, 8080);
	if (options->metrics_port != 0 && options->metrics_port == options->health_port)
		options_bad("METRICS_PORT and HEALTH_PORT must differ");
	options_set(options, SETTING_CLUSTER_NAME, "CLUSTER_NAME",
	    options_env("CLUSTER_NAME") != NULL ? options_env("CLUSTER_NAME") : "");
	options_set(options, SETTING_VERSION, "CONTROLLER_VERSION",
	    options_env("CONTROLLER_VERSION") != NULL
		? options_env("CONTROLLER_VERSION")
		: "1.0.0");
	options->separate_uids = options_env_bool("SEPARATE_UIDS");
	set_log_format(options);
	set_identity(options);
	set_watcher(options);
}

enum long_option {
	OPT_KUBECONFIG = OPTIONS_FOOTPRINT_END,
	OPT_WATCHER_KUBECONFIG,
	OPT_ALLOW_SHARED_TOKEN,
	OPT_INSECURE_SKIP_TLS_VERIFY,
	OPT_GCP_ENDPOINT,
	OPT_CLOUD_CA,
	OPT_DRY_RUN,
	OPT_AGENT,
	OPT_LOG_LEVEL,
	OPT_HELP,
	OPT_VERSION,
};

static const struct option long_options[] = {
    {"kubeconfig", required_argument, NULL, OPT_KUBECONFIG},
    {"watcher-kubeconfig", required_argument, NULL, OPT_WATCHER_KUBECONFIG},
    {"allow-shared-token", no_argument, NULL, OPT_ALLOW_SHARED_TOKEN},
    {"insecure-skip-tls-verify", no_argument, NULL, OPT_INSECURE_SKIP_TLS_VERIFY},
    {"gcp-endpoint", required_argument, NULL, OPT_GCP_ENDPOINT},
    {"cloud-ca", required_argument, NULL, OPT_CLOUD_CA},
    {"dry-run", no_argument, NULL, OPT_DRY_RUN},
    {"agent", no_argument, NULL, OPT_AGENT},
    {"log-level", required_argument, NULL, OPT_LOG_LEVEL},
    OPTIONS_FOOTPRINT,
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

static void
take_option(struct options *options, int option, const char **endpoint)
{
	switch (option) {
	case OPT_KUBECONFIG:
		options->kubeconfig = optarg;
		break;
	case OPT_WATCHER_KUBECONFIG:
		options->watcher_kubeconfig = optarg;
		break;
	case OPT_ALLOW_SHARED_TOKEN:
		options->allow_shared_token = true;
		break;
	case OPT_INSECURE_SKIP_TLS_VERIFY:
		options->insecure_skip_tls_verify = true;
		break;
	case OPT_GCP_ENDPOINT:
		*endpoint = optarg;
		break;
	case OPT_CLOUD_CA:
		options->cloud_ca = optarg;
		break;
	case OPT_DRY_RUN:
		options_set(options, SETTING_DRY_RUN, "--dry-run", "yes");
		break;
	case OPT_AGENT:
		options->agent = true;
		break;
	case OPT_LOG_LEVEL:
		if (strcmp(optarg, "info") != 0 && strcmp(optarg, "debug") != 0)
			options_bad(
			    "--log-level must be info or debug, not \"%s\"", optarg);
		options_set(options, SETTING_LOG_LEVEL, "--log-level", optarg);
		break;
	case OPT_HELP:
		print_help();
	case OPT_VERSION:
		puts(PACKAGE_STRING);
		exit(EXIT_OK);
	default:
		if (options_take_footprint(options, option, optarg))
			break;
		exit(EXIT_CONFIG); /* getopt has said what is wrong */
	}
}

/* Refused to an agent, which would do nothing with them; variables, which a pod may
 * have for reasons of its own, are not. */
static bool
is_operators(int option)
{
	return option == OPT_GCP_ENDPOINT || option == OPT_CLOUD_CA ||
	       option == OPT_DRY_RUN ||
	       (option >= OPT_STORE_IN_CM && option < OPTIONS_FOOTPRINT_END);
}

void
options_parse(struct options *options, int argc, char **argv)
{
	const char *endpoint = options_env("IPWARDEN_GCP_ENDPOINT");
	const char *operators = NULL;
	int option, at = 0;

	*options = (struct options){.kubeconfig = options_env("KUBECONFIG"),
	    .cloud_ca = options_env("SSL_CERT_FILE")};
	while ((option = getopt_long(argc, argv, "", long_options, &at)) != -1) {
		take_option(options, option, &endpoint);
		if (is_operators(option))
			operators = long_options[at].name;
	}
	if (optind < argc)
		options_bad("unexpected argument \"%s\"", argv[optind]);
	if (options->agent && operators != NULL)
		options_bad(
		    "--agent does nothing but its node's slices: no --%s with it",
		    operators);
	if (options->cloud_ca == NULL)
		options->cloud_ca = SYSTEM_CA_BUNDLE;
	if (options->agent)
		set_agent(options);
	else
		set_operator(options, endpoint);
	set_from_environment(options);
}
