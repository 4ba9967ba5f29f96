/* Settings and files that the supervisor hands to a process at its start, and again
 * when a file has changed. Settings are text; the getters read numbers. */
#ifndef IPW_SETTINGS_H
#define IPW_SETTINGS_H

#include <stdint.h>

/* SETTING(constant, name). Values are at most SETTING_VALUE_MAX bytes. */
#define SETTING_LIST(SETTING)                                                          \
	SETTING(SETTING_LOG_LEVEL, "log-level")                                        \
	SETTING(SETTING_KUBE_HOST, "kube-host") /* name or literal address */          \
	SETTING(SETTING_KUBE_PORT, "kube-port")                                        \
	SETTING(SETTING_KUBE_TLS_NAME, "kube-tls-name") /* verified; default: host */  \
	/* set: the API server's certificate is not verified at all */                 \
	SETTING(SETTING_KUBE_INSECURE, "kube-insecure")                                \
	SETTING(SETTING_GCP_ENDPOINT, "gcp-endpoint")	/* URL up to /compute/v1 */    \
	SETTING(SETTING_METADATA_HOST, "metadata-host") /* HOST[:PORT] */              \
	SETTING(SETTING_POD_NAME, "pod-name")                                          \
	SETTING(SETTING_POD_NAMESPACE, "pod-namespace")                                \
	SETTING(SETTING_LEASE_NAME, "lease-name")                                      \
	SETTING(SETTING_LEASE_NAMESPACE, "lease-namespace")                            \
	SETTING(SETTING_LEASE_DURATION_S, "lease-duration-s")                          \
	SETTING(SETTING_LEASE_GRACE_S, "lease-grace-s")                                \
	SETTING(SETTING_CLUSTER_NAME, "cluster-name")                                  \
	SETTING(SETTING_VERSION, "version")                                            \
	SETTING(SETTING_DIAL_KUBE, "dial-kube") /* "HOST PORT" for a dialer */         \
	SETTING(SETTING_DIAL_COMPUTE, "dial-compute")                                  \
	SETTING(SETTING_DIAL_METADATA, "dial-metadata")                                \
	SETTING(SETTING_DNS_PORT, "dns-port") /* the resolver's; default 53 */         \
	SETTING(SETTING_NODE_NAME, "node-name")                                        \
	/* whose tokens the watcher uses; not set: it was given credentials */         \
	SETTING(SETTING_WATCHER_ACCOUNT, "watcher-account")                            \
	/* set: refused one, the watcher uses the reconciler's credentials */          \
	SETTING(SETTING_ALLOW_SHARED_TOKEN, "allow-shared-token")                      \
	/* Sync, AssignOnly or Observe: of objects that name none */                   \
	SETTING(SETTING_DEFAULT_POLICY, "default-policy")                              \
	SETTING(SETTING_DRY_RUN, "dry-run") /* set: nothing is changed */              \
	/* set: footprints of pods are kept in ConfigMaps, of which pods, and how */   \
	SETTING(SETTING_STORE_IN_CM, "store-in-cm")                                    \
	SETTING(SETTING_CM_NAMESPACE, "cm-namespace")                                  \
	SETTING(SETTING_CM_RETENTION_S, "cm-retention-s")                              \
	SETTING(SETTING_CM_TOTAL_MIB, "cm-total-mib")                                  \
	SETTING(SETTING_HISTORY_RETENTION_S, "history-retention-s")                    \
	SETTING(SETTING_FOOTPRINT_INTERVAL_MS, "footprint-interval-ms")                \
	SETTING(SETTING_FOOTPRINT_NAMESPACE, "footprint-namespace")                    \
	SETTING(SETTING_FOOTPRINT_NAME, "footprint-name")                              \
	SETTING(SETTING_FOOTPRINT_LABEL, "footprint-label")                            \
	SETTING(SETTING_FOOTPRINT_UTC, "footprint-utc") /* set: hours of UTC */        \
	/* set: this is the agent of that node, no cloud part is there */              \
	SETTING(SETTING_AGENT_NODE, "agent-node")

enum setting {
#define SETTING_ENUM(constant, name) constant,
	SETTING_LIST(SETTING_ENUM)
#undef SETTING_ENUM
	    SETTING_COUNT
};

#define SETTING_VALUE_MAX 2048u

/* What a handed-over descriptor holds: a read-only file or a sealed memfd. */
enum file_kind {
	FILE_KUBE_CA,	       /* PEM */
	FILE_KUBE_TOKEN,       /* a bearer token, trailing white space ignored */
	FILE_KUBE_CLIENT_CERT, /* PEM */
	FILE_KUBE_CLIENT_KEY,  /* PEM */
	FILE_CLOUD_CA,	       /* PEM bundle for the cloud's endpoints */
	FILE_RESOLV_CONF,      /* resolv.conf(5) */
	FILE_COUNT
};

struct settings {
	char *values[SETTING_COUNT]; /* NULL: not set; owned */
};

void settings_free(struct settings *settings);
/* Returns 0, or -EINVAL for an unknown key or a value that is too long or holds a NUL
 * or a control character. */
int settings_set(struct settings *settings, unsigned int key, const char *value);
/* The value, or `fallback` when it is not set. */
const char *settings_get(
    const struct settings *settings, enum setting key, const char *fallback);
/* A decimal number in [least, most]; `fallback` when not set. The supervisor has
 * checked the user's numbers; anything else here is our own bug (assert). */
int64_t settings_number(const struct settings *settings, enum setting key,
    int64_t least, int64_t most, int64_t fallback);
const char *setting_name(enum setting key);

#endif
