/* The embedded world as one server: its certificates, objects, listeners and the files
 * that tell a client how to reach it. */
#ifndef IPW_SIM_SERVE_H
#define IPW_SIM_SERVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pki.h"
#include "sim.h"

#define SERVE_PROJECT "sim-project"
/* How much of each there may be at the start. The ephemeral addresses are those of
 * 203.0.113.0/24 (RFC 5737). */
#define SERVE_NODES_MAX	    5000u
#define SERVE_EPHEMERAL_MAX 254u
#define SERVE_ZONES_MAX	    16u
#define SERVE_ADDRESSES_MAX 256u

struct serve_options {
	const char *dir; /* made if there is none */
	size_t nodes;
	const char *zones[SERVE_ZONES_MAX]; /* at least one, of the form us-west1-a */
	size_t zones_len;
	const char *addresses[SERVE_ADDRESSES_MAX]; /* IPv4 */
	size_t addresses_len;
	bool ephemeral;		 /* each instance starts with an address of its own */
	uint16_t port;		 /* of the Kubernetes API; 0: chosen by the kernel */
	const char *request_log; /* NULL: none */
};

/* Serves until SIGTERM or SIGINT. Returns an exit code. */
int serve_run(const struct serve_options *options);

/* --- serve_nodes.c -----------------------------------------------------------------
 */
/* Puts namespaces, nodes with their instances, and reserved addresses into the world.
 * Returns 0 or a negative errno (logged). */
int serve_nodes_put(
    const struct serve_options *options, struct sim_kube *kube, struct sim_gce *gce);

/* --- serve_files.c -----------------------------------------------------------------
 */
struct serve_ports {
	uint16_t kube;
	uint16_t gce;
	uint16_t gce_tls;
	uint16_t metadata;
	uint16_t control;
};

/* 256 random bits in hexadecimal, with the NUL. */
#define SERVE_TOKEN_SIZE 65u

struct serve_secrets {
	char admin[SERVE_TOKEN_SIZE];
	char controller[SERVE_TOKEN_SIZE];
	char watcher[SERVE_TOKEN_SIZE];
	struct pki_pair admin_cert;
};

/* Makes the directory and takes an older world.env away; *ret_dir is its absolute path,
 * owned by the caller. Returns 0 or a negative errno (logged). */
int serve_files_prepare(const char *dir, char **ret_dir);
/* Writes all files, each whole or not at all, readable by the owner only; world.env is
 * the last. Returns 0 or a negative errno (logged). */
int serve_files_write(const char *dir, const struct serve_ports *ports,
    const struct serve_secrets *secrets, const char *ca_pem);
/* Takes world.env away: the world is no more. */
void serve_files_end(const char *dir);

#endif
