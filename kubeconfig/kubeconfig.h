/* What ipwarden takes from a kubeconfig (client-go's clientcmd API v1): where the API
 * server is, and the credentials of one user. Whatever would need more than that
 * (plugins, proxies, impersonation) or less than TLS is refused, never passed over. A
 * pure function; the text is hostile. */
#ifndef IPW_CONFIG_KUBECONFIG_H
#define IPW_CONFIG_KUBECONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "settings.h"

/* Largest kubeconfig (bytes). */
#define KUBECONFIG_SIZE_MAX 1048576u

/* Names of hosts, and paths of files, as long as a setting may be. */
#define KUBECONFIG_HOST_MAX 253u
#define KUBECONFIG_PATH_MAX SETTING_VALUE_MAX

/* Room for a sentence with a context, a user or a cluster in it; longer is cut. */
#define KUBECONFIG_REASON_SIZE 512u

/* Kinds FILE_KUBE_CA to FILE_KUBE_CLIENT_KEY. */
#define KUBECONFIG_FILES 4u

/* At most one of the two is set. */
struct kubeconfig_file {
	char *path; /* as written: relative ones start at the kubeconfig's folder */
	char *data; /* decoded; wiped by kubeconfig_free */
	size_t data_len;
};

struct kubeconfig {
	char *host; /* a name, or a literal address without brackets */
	char port[6];
	char *tls_name;
	bool insecure; /* the server is not to be verified; then there is no CA */
	struct kubeconfig_file files[KUBECONFIG_FILES]; /* by enum file_kind */
};

/* Takes the current context, or the only one when none is current. Returns 0 with
 * *ret_config the caller's; or -EINVAL, and `reason` (KUBECONFIG_REASON_SIZE bytes)
 * says in one sentence why, naming the context, user or cluster; it holds no secret. */
int kubeconfig_read(
    const char *text, size_t len, struct kubeconfig *ret_config, char *reason);
void kubeconfig_free(struct kubeconfig *config);

#endif
