/* What the user asked for: command line first, then environment, then defaults
 * (docs/ipwarden.8). Everything here is fixed for the life of the supervisor. */
#ifndef IPW_OPTIONS_H
#define IPW_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "settings.h"

struct options {
	const char *kubeconfig;		/* NULL: in-cluster */
	const char *watcher_kubeconfig; /* NULL: its token is minted */
	bool allow_shared_token; /* refused: it uses the reconciler's credentials */
	bool insecure_skip_tls_verify; /* kubeconfigs may say so */
	bool separate_uids;	       /* separate.c */
	bool agent;		       /* a node's: no cloud part is started */
	const char *cloud_ca;	       /* PEM bundle */
	bool logfmt;		       /* else JSON */
	uint16_t metrics_port;	       /* 0: chosen by the kernel, and logged */
	uint16_t health_port;
	/* what the workers are told; the Kubernetes part comes from config or
	 * in-cluster */
	struct settings settings;
};

/* Fills in *options; texts live as long as argv and the environment. Ends the process
 * with EXIT_CONFIG and one line on stderr for anything wrong, with EXIT_OK after --help
 * and --version. */
void options_parse(struct options *options, int argc, char **argv);

/* Where the in-cluster credentials are mounted. */
#define SERVICE_ACCOUNT_DIR "/var/run/secrets/kubernetes.io/serviceaccount"

#endif
