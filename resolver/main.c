/* ipwarden-resolver: DNS for the dialers, over datagram sockets only. */
#include <stdlib.h>
#include <string.h>

#include "clients.h"
#include "conf.h"
#include "exits.h"
#include "filter.h"
#include "log.h"
#include "opened.h"
#include "worker.h"

#define PORT_DEFAULT 53

struct resolver {
	struct worker worker;
	struct conf conf;
	char *text; /* of resolv.conf; NULL: none was given, or it could not be read */
	size_t text_len;
	struct clients *clients; /* NULL before START */
};

/* The port may be set after the file has come, so this runs again at START. */
static void
configure(struct resolver *resolver)
{
	int64_t port = settings_number(
	    &resolver->worker.settings, SETTING_DNS_PORT, 1, UINT16_MAX, PORT_DEFAULT);
	const char *text = resolver->text != NULL ? resolver->text : "";

	conf_read(text, resolver->text_len, (uint16_t)port, &resolver->conf);
	if (resolver->clients != NULL)
		clients_forget(resolver->clients);
}

static void
on_file(void *arg, enum file_kind kind, int fd)
{
	struct resolver *resolver = arg;
	char *text;
	size_t len;
	int rc = worker_read_file(fd, CONF_FILE_MAX, &text, &len);

	if (rc < 0 || kind != FILE_RESOLV_CONF) {
		log_warn("resolv_conf_refused", LOG_N("kind", kind),
		    LOG_S("error", rc < 0 ? strerror(-rc) : "another file"));
		if (rc == 0)
			free(text);
		return;
	}
	free(resolver->text);
	resolver->text = text;
	resolver->text_len = len;
	if (resolver->clients != NULL)
		configure(resolver);
}

int
main(void)
{
	static const struct worker_hooks hooks = {.file = on_file};
	static struct resolver resolver;
	int code = EXIT_CONFIG;

	worker_open(&resolver.worker, &resolver_sandbox, &hooks, &resolver);
	opened_fill();
	worker_lock(&resolver.worker);
	configure(&resolver);
	if (resolver.text == NULL)
		log_warn("resolv_conf_missing", LOG_S("server", "127.0.0.1"));
	resolver.clients = clients_new(resolver.worker.loop, &resolver.conf);
	if (resolver.clients != NULL) {
		worker_ready(&resolver.worker);
		code = worker_run(&resolver.worker);
	}
	clients_free(resolver.clients);
	settings_free(&resolver.worker.settings);
	free(resolver.text);
	return code;
}
