#include "serve.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "control.h"
#include "exits.h"
#include "log.h"
#include "mem.h"

/* Descriptors that the world may use: each connection is one, and clients come by the
 * hundred. */
#define DESCRIPTORS_MAX 16384u

/* Who the tokens belong to; the names under which ipwarden is deployed. */
#define USER_ADMIN	"kubernetes-admin"
#define USER_CONTROLLER "system:serviceaccount:kube-system:ip-address-controller-sa"
#define USER_WATCHER	"system:serviceaccount:kube-system:ip-address-watcher-sa"

#define ACCOUNT(name)                                                                  \
	"{\"kind\":\"ServiceAccount\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":"   \
	"\"" name "\",\"namespace\":\"kube-system\"}}"

struct world {
	char *dir;
	struct loop *loop;
	int signal_fd;
	struct pki *pki;
	struct pki *foreign_pki; /* that ca.crt does not vouch for */
	struct pki_pair server;
	struct pki_pair foreign;
	struct serve_secrets secrets;
	struct sim_faults *faults;
	struct sim_journal *journal;
	struct sim_kube *kube;
	struct sim_gce *gce;
	struct control control;
	struct sim_http *kube_http;
	struct sim_http *gce_http;
	struct sim_http *gce_https;
	struct sim_http *metadata_http;
	struct sim_http *control_http;
};

static int world_start(struct world *world, const struct serve_options *options);
static void world_end(struct world *world);
static int watch_signals(struct world *world);
static void raise_limits(void);
static int make_secrets(struct world *world);
static int make_parts(struct world *world);
static int listen_all(struct world *world, const struct serve_options *options);

int
serve_run(const struct serve_options *options)
{
	struct world world = {.signal_fd = -1};
	int rc = world_start(&world, options);

	if (rc == 0) {
		log_info("world_ready", LOG_S("dir", world.dir),
		    LOG_N("port", sim_http_port(world.kube_http)),
		    LOG_N("nodes", options->nodes));
		loop_run(world.loop);
		log_info("world_ended", LOG_S("dir", world.dir));
	}
	world_end(&world);
	return rc == 0 ? EXIT_OK : EXIT_FATAL;
}

static int
world_start(struct world *world, const struct serve_options *options)
{
	struct serve_ports ports;
	int rc;

	raise_limits();
	world->loop = loop_new();
	rc = watch_signals(world);
	rc = rc == 0 ? serve_files_prepare(options->dir, &world->dir) : rc;
	rc = rc == 0 ? make_secrets(world) : rc;
	rc = rc == 0 ? make_parts(world) : rc;
	if (rc == 0 && options->request_log != NULL)
		rc = sim_kube_record(world->kube, options->request_log);
	rc = rc == 0 ? serve_nodes_put(options, world->kube, world->gce) : rc;
	rc = rc == 0 ? listen_all(world, options) : rc;
	if (rc < 0)
		return rc;
	ports = (struct serve_ports){
	    .kube = sim_http_port(world->kube_http),
	    .gce = sim_http_port(world->gce_http),
	    .gce_tls = sim_http_port(world->gce_https),
	    .metadata = sim_http_port(world->metadata_http),
	    .control = sim_http_port(world->control_http),
	};
	return serve_files_write(
	    world->dir, &ports, &world->secrets, pki_ca_pem(world->pki));
}

/* The listeners go first: their streams belong to the parts behind them. */
static void
world_end(struct world *world)
{
	if (world->dir != NULL)
		serve_files_end(world->dir);
	sim_http_free(world->kube_http);
	sim_http_free(world->gce_http);
	sim_http_free(world->gce_https);
	sim_http_free(world->metadata_http);
	sim_http_free(world->control_http);
	sim_kube_free(world->kube);
	sim_gce_free(world->gce);
	sim_journal_close(world->journal);
	sim_faults_free(world->faults);
	pki_pair_free(&world->server);
	pki_pair_free(&world->foreign);
	pki_free(world->foreign_pki);
	pki_pair_free(&world->secrets.admin_cert);
	explicit_bzero(&world->secrets, sizeof world->secrets);
	pki_free(world->pki);
	if (world->signal_fd >= 0) {
		loop_remove_fd(world->loop, world->signal_fd);
		close(world->signal_fd);
	}
	loop_free(world->loop);
	free(world->dir);
}

static void
raise_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= DESCRIPTORS_MAX)
		return;
	limit.rlim_cur =
	    limit.rlim_max < DESCRIPTORS_MAX ? limit.rlim_max : DESCRIPTORS_MAX;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		log_warn("descriptor_limit_kept", LOG_S("reason", strerror(errno)));
}

static void
on_signal(void *arg, int fd, uint32_t events)
{
	struct world *world = arg;
	struct signalfd_siginfo info;

	(void)events;
	if (read(fd, &info, sizeof info) == (ssize_t)sizeof info)
		loop_stop(world->loop);
}

static int
watch_signals(struct world *world)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	world->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (world->signal_fd < 0)
		return -errno;
	return loop_set_fd(world->loop, world->signal_fd, EPOLLIN, on_signal, world);
}

static void
make_token(char out[SERVE_TOKEN_SIZE])
{
	unsigned char bytes[(SERVE_TOKEN_SIZE - 1) / 2];

	while (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
		;
	for (size_t i = 0; i < sizeof bytes; i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
	explicit_bzero(bytes, sizeof bytes);
}

static int
make_secrets(struct world *world)
{
	int rc;

	make_token(world->secrets.admin);
	make_token(world->secrets.controller);
	make_token(world->secrets.watcher);
	world->pki = pki_new();
	world->foreign_pki = pki_new();
	if (world->pki == NULL || world->foreign_pki == NULL)
		return -EIO;
	rc = pki_issue_server(world->pki, &world->server);
	rc = rc == 0 ? pki_issue_server(world->foreign_pki, &world->foreign) : rc;
	if (rc == 0)
		rc = pki_issue_client(
		    world->pki, USER_ADMIN, &world->secrets.admin_cert);
	return rc;
}

/* The accounts that ipwarden is deployed with. The token that is minted for the last
 * one may what the watcher's identity may. */
static int
put_accounts(struct sim_kube *kube)
{
	static const char *const objects[] = {
	    ACCOUNT("ip-address-controller-sa"),
	    ACCOUNT("ip-address-watcher-sa"),
	    ACCOUNT("ipwarden-watcher"),
	    "{\"kind\":\"ClusterRoleBinding\",\"apiVersion\":"
	    "\"rbac.authorization.k8s.io/v1\",\"metadata\":{\"name\":"
	    "\"ipwarden-watcher\"},\"subjects\":[{\"kind\":\"ServiceAccount\","
	    "\"namespace\":\"kube-system\",\"name\":\"ipwarden-watcher\"}],"
	    "\"roleRef\":{\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":"
	    "\"ClusterRole\",\"name\":\"ipwarden-watcher\"}}",
	};
	int rc = 0;

	for (size_t i = 0; i < sizeof objects / sizeof objects[0] && rc == 0; i++)
		rc = sim_kube_put(kube, objects[i]);
	return rc;
}

static int
restart_kube(void *arg, bool data_lost, bool foreign_certificate)
{
	struct world *world = arg;
	const struct pki_pair *pair =
	    foreign_certificate ? &world->foreign : &world->server;
	int rc = sim_http_restart(world->kube_http, pair->cert_pem, pair->key_pem);

	if (rc < 0 || !data_lost)
		return rc;
	sim_kube_reset(world->kube);
	return put_accounts(world->kube);
}

static int
make_parts(struct world *world)
{
	const struct serve_secrets *secrets = &world->secrets;
	char *log_path = mem_printf("%s/attachments.log", world->dir);

	world->journal = sim_journal_open(log_path);
	free(log_path);
	if (world->journal == NULL)
		return -EIO;
	world->faults = sim_faults_new();
	world->kube = sim_kube_new(world->loop, world->faults);
	world->gce =
	    sim_gce_new(world->loop, world->faults, world->journal, SERVE_PROJECT);
	sim_kube_add_identity(world->kube, secrets->admin, USER_ADMIN, SIM_ROLE_ADMIN);
	sim_kube_add_identity(
	    world->kube, secrets->controller, USER_CONTROLLER, SIM_ROLE_CONTROLLER);
	sim_kube_add_identity(
	    world->kube, secrets->watcher, USER_WATCHER, SIM_ROLE_READER);
	world->control = (struct control){
	    .faults = world->faults,
	    .kube = world->kube,
	    .gce = world->gce,
	    .restart = restart_kube,
	    .restart_arg = world,
	};
	return put_accounts(world->kube);
}

static int
listen_all(struct world *world, const struct serve_options *options)
{
	const struct {
		struct sim_http **http;
		sim_handler_fn *handler;
		void *arg;
		bool tls;
	} listeners[] = {
	    {&world->kube_http, sim_kube_handle, world->kube, true},
	    {&world->gce_http, sim_gce_handle, world->gce, false},
	    {&world->gce_https, sim_gce_handle, world->gce, true},
	    {&world->metadata_http, sim_metadata_handle, world->gce, false},
	    {&world->control_http, control_handle, &world->control, false},
	};

	for (size_t i = 0; i < sizeof listeners / sizeof listeners[0]; i++) {
		bool is_kube = listeners[i].http == &world->kube_http;
		struct sim_http_options http = {
		    .port = is_kube ? options->port : 0,
		    .handler = listeners[i].handler,
		    .arg = listeners[i].arg,
		};

		if (listeners[i].tls) {
			http.cert_pem = world->server.cert_pem;
			http.key_pem = world->server.key_pem;
		}
		if (is_kube) {
			http.client_ca_pem = pki_ca_pem(world->pki);
			http.refuses = sim_kube_refuses;
		}
		*listeners[i].http = sim_http_new(world->loop, &http);
		if (*listeners[i].http == NULL)
			return -EIO;
	}
	sim_kube_set_http(world->kube, world->kube_http);
	return 0;
}
