#include "supervisor.h"

#define SET(setting) (UINT64_C(1) << (setting))
#define GIVEN(file)  (1u << (file))
#define KUBE_SETTINGS                                                                  \
	(SET(SETTING_KUBE_HOST) | SET(SETTING_KUBE_PORT) |                             \
	    SET(SETTING_KUBE_TLS_NAME) | SET(SETTING_KUBE_INSECURE) |                  \
	    SET(SETTING_VERSION))
#define KUBE_FILES                                                                     \
	(GIVEN(FILE_KUBE_CA) | GIVEN(FILE_KUBE_TOKEN) | GIVEN(FILE_KUBE_CLIENT_CERT) | \
	    GIVEN(FILE_KUBE_CLIENT_KEY))
#define LEASE_SETTINGS                                                                 \
	(SET(SETTING_LEASE_NAME) | SET(SETTING_LEASE_NAMESPACE) |                      \
	    SET(SETTING_LEASE_DURATION_S) | SET(SETTING_LEASE_GRACE_S))
#define MINT_SETTINGS                                                                  \
	(SET(SETTING_NODE_NAME) | SET(SETTING_WATCHER_ACCOUNT) |                       \
	    SET(SETTING_ALLOW_SHARED_TOKEN))
#define STORE_SETTINGS                                                                 \
	(SET(SETTING_STORE_IN_CM) | SET(SETTING_CM_NAMESPACE) |                        \
	    SET(SETTING_CM_RETENTION_S) | SET(SETTING_CM_TOTAL_MIB) |                  \
	    SET(SETTING_HISTORY_RETENTION_S) | SET(SETTING_FOOTPRINT_INTERVAL_MS) |    \
	    SET(SETTING_FOOTPRINT_UTC) | SET(SETTING_FOOTPRINT_NAMESPACE) |            \
	    SET(SETTING_FOOTPRINT_NAME) | SET(SETTING_FOOTPRINT_LABEL))
#define CHOOSE_SETTINGS                                                                \
	(SET(SETTING_STORE_IN_CM) | SET(SETTING_FOOTPRINT_NAMESPACE) |                 \
	    SET(SETTING_FOOTPRINT_NAME) | SET(SETTING_FOOTPRINT_LABEL))

/* What each process is given. Credentials of the cloud go to the cloudworker only (its
 * token comes from the metadata server, which its dialer alone opens), the writing
 * identity to the reconciler only. */
const struct role_spec role_specs[ROLE_COUNT] = {
    [ROLE_RESOLVER] = {"resolver", "ipwarden-resolver", ROLE_COUNT, IDENTITY_DNS,
	SET(SETTING_LOG_LEVEL), GIVEN(FILE_RESOLV_CONF), 3, .network = true},
    [ROLE_DIALER_WATCHER] = {"dialer-watcher", "ipwarden-dialer", ROLE_COUNT,
	IDENTITY_WATCHER, SET(SETTING_LOG_LEVEL) | SET(SETTING_DIAL_KUBE), 0, 3,
	.network = true},
    [ROLE_DIALER_RECONCILER] = {"dialer-reconciler", "ipwarden-dialer", ROLE_COUNT,
	IDENTITY_RECONCILER, SET(SETTING_LOG_LEVEL) | SET(SETTING_DIAL_KUBE), 0, 3,
	.network = true},
    [ROLE_DIALER_CLOUD] = {"dialer-cloud", "ipwarden-dialer", ROLE_COUNT, IDENTITY_NONE,
	SET(SETTING_LOG_LEVEL) | SET(SETTING_DIAL_COMPUTE) | SET(SETTING_DIAL_METADATA),
	0, 3, .network = true, .cloud = true},
    [ROLE_METRICSD] = {"metricsd", "ipwarden-metricsd", ROLE_COUNT, IDENTITY_NONE,
	SET(SETTING_LOG_LEVEL) | SET(SETTING_CLUSTER_NAME) | SET(SETTING_POD_NAME), 0,
	3},
    [ROLE_CLOUDWORKER] = {"cloudworker", "ipwarden-cloudworker", ROLE_DIALER_CLOUD,
	IDENTITY_CLOUD,
	SET(SETTING_LOG_LEVEL) | SET(SETTING_GCP_ENDPOINT) |
	    SET(SETTING_METADATA_HOST) | SET(SETTING_VERSION),
	GIVEN(FILE_CLOUD_CA), 2, .cloud = true},
    [ROLE_RECONCILER] = {"reconciler", "ipwarden-reconciler", ROLE_DIALER_RECONCILER,
	IDENTITY_RECONCILER,
	SET(SETTING_LOG_LEVEL) | KUBE_SETTINGS | LEASE_SETTINGS | MINT_SETTINGS |
	    SET(SETTING_POD_NAME) | SET(SETTING_POD_NAMESPACE) |
	    SET(SETTING_CLUSTER_NAME) | SET(SETTING_DEFAULT_POLICY) |
	    SET(SETTING_DRY_RUN) | STORE_SETTINGS | SET(SETTING_AGENT_NODE),
	KUBE_FILES, 1},
    [ROLE_WATCHER] = {"watcher", "ipwarden-watcher", ROLE_DIALER_WATCHER,
	IDENTITY_WATCHER,
	SET(SETTING_LOG_LEVEL) | KUBE_SETTINGS | SET(SETTING_POD_NAMESPACE) |
	    SET(SETTING_LEASE_NAMESPACE) | CHOOSE_SETTINGS | SET(SETTING_AGENT_NODE),
	KUBE_FILES, 0},
};

bool
role_runs(const struct supervisor *sup, enum role role)
{
	return !sup->options.agent || !role_specs[role].cloud;
}
